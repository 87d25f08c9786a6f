// What the kubelet holds back of its machine and enforces on it, with upstream's defaults. One value from the options, for all parts.
import { parseStatements, parseThresholds, type Threshold } from '../eviction/thresholds';
import type { Amounts } from './reservations';

export interface NodePolicy {
  readonly kubeReserved: Amounts;
  readonly systemReserved: Amounts;
  readonly thresholds: readonly Threshold[];
  /** How long a pressure condition stays after its threshold was last met. */
  readonly pressureTransitionMs: number;
  /** Longest grace of a pod that a soft threshold evicts. */
  readonly maxPodGraceSeconds: number;
  /** Pods per core; 0 for no such limit. */
  readonly podsPerCore: number;
  /** Processes of one pod; 0 for no limit. */
  readonly podPidsLimit: number;
  readonly imageGc: ImageGcPolicy;
}

export interface ImageGcPolicy {
  /** Used share of the file system of images, in percent, from which unused images are removed, and down to which. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** An image is not removed earlier than this after it was first seen. */
  readonly minAgeMs: number;
  /** An image that was not used for this long is removed in any case; 0 for never. */
  readonly maxAgeMs: number;
}

export const defaultEvictionHard =
  'memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%';

export const defaultNodePolicy: NodePolicy = {
  kubeReserved: {},
  systemReserved: {},
  thresholds: parseThresholds({
    hard: parseStatements('<')(defaultEvictionHard),
    soft: {},
    softGracePeriod: {},
    minimumReclaim: {},
  }),
  pressureTransitionMs: 300_000,
  maxPodGraceSeconds: 0,
  podsPerCore: 0,
  podPidsLimit: 0,
  imageGc: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0 },
};
