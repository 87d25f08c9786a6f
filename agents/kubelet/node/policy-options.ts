// The options that say what the kubelet holds back of its machine and when it evicts pods. Names, defaults and messages are upstream's.
import { BadRequest } from '../../../controlplane/base/errors';
import {
  type OptionTable,
  type Parsed,
  parseBoolean,
  parseDuration,
  parseInteger,
} from '../../../controlplane/process/options';
import { parseCgroupRoot } from '../cgroups/names';
import { parseStatements, parseThresholds, type Statements } from '../eviction/thresholds';
import { defaultEvictionHard, type NodePolicy } from './policy';
import { parseReserved } from './reservations';

export const policyOptions = {
  maxPods: {
    flag: 'max-pods',
    placeholder: 'COUNT',
    default: '110',
    help: 'how many pods this node accepts',
    parse: parseInteger(1, 1000),
  },
  podsPerCore: {
    flag: 'pods-per-core',
    placeholder: 'COUNT',
    default: '0',
    help: 'how many pods this node accepts for each core, at most --max-pods; 0: only that counts',
    parse: parseInteger(0, 1000),
  },
  podMaxPids: {
    flag: 'pod-max-pids',
    placeholder: 'COUNT',
    default: '-1',
    help: 'how many processes a pod may have; -1: no limit',
    parse: parseInteger(-1, 2 ** 22),
  },
  cgroupsPerQos: {
    flag: 'cgroups-per-qos',
    default: 'true',
    help: 'a cgroup for each QoS class and each pod, so that limits hold for a pod as a whole',
    parse: parseBoolean,
  },
  cgroupRoot: {
    flag: 'cgroup-root',
    placeholder: 'PATH',
    default: '/',
    help: 'the cgroup below which the kubelet makes those of pods; kubelets of one machine need different ones',
    parse: parseCgroupRoot,
  },
  kubeReserved: {
    flag: 'kube-reserved',
    placeholder: 'cpu=200m,..',
    default: '',
    help: "cpu, memory, ephemeral-storage and pid that this project's processes and Docker need; pods cannot request it",
    parse: parseReserved,
  },
  systemReserved: {
    flag: 'system-reserved',
    placeholder: 'cpu=200m,..',
    default: '',
    help: 'the same for all other processes of the machine',
    parse: parseReserved,
  },
  evictionHard: {
    flag: 'eviction-hard',
    placeholder: 'SIGNAL<AMOUNT,..',
    default: defaultEvictionHard,
    help: 'thresholds below which the kubelet ends pods at once; signals that are not named have no threshold',
    parse: parseStatements('<'),
  },
  evictionSoft: {
    flag: 'eviction-soft',
    placeholder: 'SIGNAL<AMOUNT,..',
    default: '',
    help: 'thresholds below which the kubelet ends pods after a time',
    parse: parseStatements('<'),
  },
  evictionSoftGracePeriod: {
    flag: 'eviction-soft-grace-period',
    placeholder: 'SIGNAL=DURATION,..',
    default: '',
    help: 'how long a soft threshold must be met before pods are ended',
    parse: parseStatements('='),
  },
  evictionMinimumReclaim: {
    flag: 'eviction-minimum-reclaim',
    placeholder: 'SIGNAL=AMOUNT,..',
    default: '',
    help: 'how much more than its threshold must be free before a shortage is over',
    parse: parseStatements('='),
  },
  evictionMaxPodGracePeriod: {
    flag: 'eviction-max-pod-grace-period',
    placeholder: 'SECONDS',
    default: '0',
    help: 'longest time to end that a pod gets when a soft threshold is met',
    parse: parseInteger(0, 2 ** 31 - 1),
  },
  evictionPressureTransitionPeriod: {
    flag: 'eviction-pressure-transition-period',
    placeholder: 'DURATION',
    default: '5m',
    help: 'how long the node reports a shortage after it was last seen',
    parse: parseDuration,
  },
  imageGcHighThreshold: {
    flag: 'image-gc-high-threshold',
    placeholder: 'PERCENT',
    default: '85',
    help: 'used share of the disk of images from which the kubelet removes unused images; 100: it removes none',
    parse: parseInteger(0, 100),
  },
  imageGcLowThreshold: {
    flag: 'image-gc-low-threshold',
    placeholder: 'PERCENT',
    default: '80',
    help: 'used share of the disk down to which it removes them',
    parse: parseInteger(0, 100),
  },
  minimumImageTtl: {
    flag: 'minimum-image-ttl-duration',
    placeholder: 'DURATION',
    default: '2m',
    help: 'an image is not removed sooner than this after the kubelet has first seen it',
    parse: parseDuration,
  },
  maximumImageGcAge: {
    flag: 'image-maximum-gc-age',
    placeholder: 'DURATION',
    default: '0',
    help: 'an image that was not used for so long is removed in any case; 0: never',
    parse: parseDuration,
  },
} satisfies OptionTable;

/** @throws BadRequest when two options contradict each other */
export function nodePolicy(options: Parsed<typeof policyOptions>): NodePolicy {
  const { imageGcHighThreshold: highPercent, imageGcLowThreshold: lowPercent } = options;
  if (lowPercent >= highPercent) {
    const message = `--image-gc-low-threshold ${lowPercent} must be less than --image-gc-high-threshold ${highPercent}`;
    throw new BadRequest(message);
  }
  const texts: Record<'hard' | 'soft' | 'softGracePeriod' | 'minimumReclaim', Statements> = {
    hard: options.evictionHard,
    soft: options.evictionSoft,
    softGracePeriod: options.evictionSoftGracePeriod,
    minimumReclaim: options.evictionMinimumReclaim,
  };
  return {
    kubeReserved: options.kubeReserved,
    systemReserved: options.systemReserved,
    thresholds: parseThresholds(texts),
    pressureTransitionMs: options.evictionPressureTransitionPeriod,
    maxPodGraceSeconds: options.evictionMaxPodGracePeriod,
    podsPerCore: options.podsPerCore,
    podPidsLimit: Math.max(0, options.podMaxPids),
    imageGc: {
      highPercent,
      lowPercent,
      minAgeMs: options.minimumImageTtl,
      maxAgeMs: options.maximumImageGcAge,
    },
  };
}
