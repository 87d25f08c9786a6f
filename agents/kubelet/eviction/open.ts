// Puts together what keeps the node from running short: eviction of pods and removal of images.
import type { Pod } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { NodePodGroups } from '../cgroups/open';
import { ImageGc } from '../image-gc/image-gc';
import { imagesInUse } from '../image-gc/in-use';
import type { NodePolicy } from '../node/policy';
import type { NodeEvent, Part } from '../part';
import type { PodRecords } from '../pod/pod-records';
import type { PodSet } from '../pod/pod-set';
import type { ContainerRuntime } from '../runtime/runtime';
import type { CgroupPaths } from '../stats/cgroup-places';
import { CgroupReader } from '../stats/cgroup-reader';
import { FileSystems } from '../stats/file-systems';
import { readRlimit } from '../stats/machine';
import type { PodSample } from '../stats/node-sample';
import { Evictor } from './evictor';
import { usesOf } from './measure';
import { Observer } from './observe';

export interface OpenEvictionDeps {
  readonly runtime: ContainerRuntime;
  readonly records: PodRecords;
  readonly groups: Pick<NodePodGroups, 'memory'>;
  /** What the pods use now. */
  readonly samples: () => Promise<readonly PodSample[]>;
  /** The kubelet's folder. */
  readonly rootDir: string;
  readonly policy: NodePolicy;
  readonly memoryBytes: number;
  readonly pauseImage: string;
  readonly pods: () => readonly Pod[];
  readonly podSet: () => Pick<PodSet, 'activePods' | 'evict' | 'discardEnded'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: NodeEvent;
  readonly changed: () => void;
}

export interface EvictionPart extends Part, Pick<Evictor, 'conditions' | 'refusal'> {}

export async function openEviction(deps: OpenEvictionDeps): Promise<EvictionPart> {
  const { runtime, records, groups, policy, clock, log, report, podSet } = deps;
  const cgroups = await CgroupReader.open();
  const fileSystems = new FileSystems();
  let imageDir: string | undefined;
  const imageFs = async () => {
    // Docker may be away: then the signal is missing until it answers again.
    imageDir ??= (await runtime.info().catch(() => undefined))?.rootDir;
    return imageDir === undefined ? undefined : fileSystems.of(imageDir);
  };
  const observer = new Observer({
    memoryBytes: deps.memoryBytes,
    memory: async () => (await cgroups.sample(rootGroup, 'few'))?.memory,
    podsMemory: () => groups.memory(),
    nodeFs: () => fileSystems.of(deps.rootDir),
    imageFs,
    processes: readRlimit,
  });
  const images = new ImageGc({
    runtime,
    inUse: () => imagesInUse(deps.pods(), records.all(), deps.pauseImage),
    imageFs,
    policy: policy.imageGc,
    clock,
    log: log.child('image-gc'),
    report,
  });
  const evictor = new Evictor({
    clock,
    log: log.child('eviction'),
    policy,
    observe: () => observer.observe(),
    imageFsApart: async () => observer.imageFsApart(),
    activePods: () => podSet().activePods(),
    measure: async (pods) => usesOf(await deps.samples(), pods),
    evict: (pod, eviction) => podSet().evict(pod.metadata?.uid ?? '', eviction),
    removeEndedContainers: () => podSet().discardEnded(),
    removeUnusedImages: () => images.removeUnused(),
    report,
    changed: deps.changed,
  });
  return {
    run: async (signal) => {
      await Promise.all([evictor.run(signal), images.run(signal)]);
    },
    conditions: () => evictor.conditions(),
    refusal: (pod) => evictor.refusal(pod),
  };
}

/** The root of all cgroups, in each hierarchy that is asked for. */
const rootGroup: CgroupPaths = new Map(['cpuacct', 'cpu', 'memory', 'unified'].map((controller) => [controller, '/']));
