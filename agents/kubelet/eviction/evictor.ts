// Watches what the node runs short of, and gets it back: first from ended containers and unused images, then from pods, one at a time.
//
// 1. Every ten seconds the signals are read; between them nothing runs. Pods are measured only when a pod must be chosen or has a
//    storage limit, and measuring files takes at most a hundredth of the time.
// 2. A pod that uses more than its own storage limits ends, whatever the node has.
// 3. For a shortage one pod ends, and the next look waits until it has ended, for half a minute at most.
// 4. Critical pods never end here.
import type { Pod } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { NodePolicy } from '../node/policy';
import type { NodeEvent, Part } from '../part';
import { kubeletActivity } from '../stats/activity';
import { evicted, isCritical, refusedUnderPressure } from './admission';
import { evictionReport } from './message';
import type { PodUse, PodUses } from './pod-usage';
import { isResolved, judge, noPressure, type PressureState } from './pressure';
import { rank } from './rank';
import { type Observations, type PressureCondition, type Signal, signals } from './signals';
import { exceededLimit, hasStorageLimit, limitSignal } from './storage-limits';
import { type Threshold, withAllocatable } from './thresholds';

const lookMs = 10_000;
/** How long an evicted pod may take to end before the next look. */
const endsWithinMs = 30_000;
/**
 * How long files are left alone after they were measured: a hundred times as long as that took, but a pod should not exceed its limit for
 * more than a minute unless there are so many files that this would take a tenth of the time. On a busy machine each measurement takes long.
 */
export const restMs = (tookMs: number): number => Math.min(tookMs * 100, Math.max(60_000, tookMs * 10));

/** Grace of a pod that must end at once. As upstream. */
const hardGraceSeconds = 1;

/** The end of a pod for the node's sake. */
export interface Eviction {
  /** Of the status. Absent: Evicted. */
  readonly reason?: string;
  readonly message: string;
  readonly graceSeconds: number;
  /** Whether the node's shortage is the reason, and not the pod's own limit. */
  readonly disrupted: boolean;
  /** Of the Event: what the node is short of, and which containers use more than they requested. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EvictorDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly policy: Pick<NodePolicy, 'thresholds' | 'pressureTransitionMs' | 'maxPodGraceSeconds'>;
  readonly observe: () => Promise<Observations>;
  /** Whether images and containers are on a file system of their own. */
  readonly imageFsApart: () => Promise<boolean>;
  /** The pods that have something running here. */
  readonly activePods: () => readonly Pod[];
  readonly measure: (pods: readonly Pod[]) => Promise<ReadonlyMap<string, PodUse>>;
  /** Resolves when the pod's containers have ended. */
  readonly evict: (pod: Pod, eviction: Eviction) => Promise<void>;
  readonly removeEndedContainers: () => Promise<void>;
  readonly removeUnusedImages: () => Promise<void>;
  /** Reports an Event of the node. */
  readonly report: NodeEvent;
  /** Called when conditions() gives another answer. */
  readonly changed: () => void;
}

export class Evictor implements Part {
  private state: PressureState = noPressure;
  private found: readonly PressureCondition[] = [];
  private measureAtMs = 0;
  private readonly thresholds: readonly Threshold[];

  constructor(private readonly deps: EvictorDeps) {
    this.thresholds = withAllocatable(deps.policy.thresholds);
  }

  /** The pressure conditions that the node reports. */
  conditions(): readonly PressureCondition[] {
    return this.found;
  }

  /** Why a new pod may not run here now. */
  refusal(pod: Pod) {
    return refusedUnderPressure(pod, this.found);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      let ends: readonly Promise<void>[] = [];
      try {
        ends = await this.look();
      } catch (error) {
        log.warn('the node was not judged for eviction; the next look tries again', { error });
      }
      if (ends.length === 0) await clock.sleep(lookMs, signal).catch(() => {});
      else await this.ended(ends, signal);
    }
  }

  /** One look. Resolves to the ends of the pods that it evicts. */
  async look(): Promise<readonly Promise<void>[]> {
    const { clock, policy, observe, activePods, imageFsApart } = this.deps;
    const observations = await observe();
    const { thresholds } = this;
    const { pressureTransitionMs: transitionMs } = policy;
    const judged = judge({ thresholds, observations, before: this.state, transitionMs, now: clock.now() });
    this.state = judged.state;
    this.publish(judged.conditions);
    const pods = activePods();
    const apart = await imageFsApart();
    const overLimit = await this.enforceLimits(pods, apart);
    if (overLimit.length > 0) return overLimit;
    const [first] = judged.starved;
    return first ? this.relieve(first, judged.starved, observations, apart) : [];
  }

  private publish(conditions: readonly PressureCondition[]): void {
    if (conditions.join() === this.found.join()) return;
    this.found = conditions;
    this.deps.changed();
  }

  private async enforceLimits(pods: readonly Pod[], apart: boolean): Promise<readonly Promise<void>[]> {
    const limited = pods.filter((pod) => hasStorageLimit(pod) && !isCritical(pod));
    const began = this.deps.clock.now();
    if (limited.length === 0 || began < this.measureAtMs) return [];
    const uses = await this.deps.measure(limited);
    const ended = this.deps.clock.now();
    this.measureAtMs = ended + restMs(ended - began);
    return limited.flatMap((pod) => {
      const use = uses.get(pod.metadata?.uid ?? '');
      const message = use && exceededLimit(pod, use, apart);
      if (message === undefined) return [];
      kubeletActivity.evicted(limitSignal(message));
      return [this.evict(pod, { message, graceSeconds: hardGraceSeconds, disrupted: false })];
    });
  }

  private async relieve(
    first: Threshold,
    starved: readonly Threshold[],
    observations: Observations,
    apart: boolean,
  ): Promise<readonly Promise<void>[]> {
    const { report, log, policy, activePods, measure } = this.deps;
    const { resource } = signals[first.signal];
    log.info('the node runs short; the kubelet reclaims', { resource, signal: first.signal });
    report('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await this.reclaimed(first.signal, apart)) return [];
    const pods = activePods();
    const uses = await measure(pods);
    const useOf: PodUses = (pod) => uses.get(pod.metadata?.uid ?? '');
    const victim = rank(pods, first.signal, useOf, apart).find((pod) => !isCritical(pod));
    if (!victim) {
      log.warn('the node runs short, and there is no pod to evict', { resource });
      return [];
    }
    const said = evictionReport(resource, victim, useOf(victim), starved, observations);
    const own = victim.spec?.terminationGracePeriodSeconds ?? policy.maxPodGraceSeconds;
    const graceSeconds = first.graceMs === 0 ? hardGraceSeconds : Math.min(policy.maxPodGraceSeconds, own);
    kubeletActivity.evicted(first.signal);
    return [this.evict(victim, { ...said, graceSeconds, disrupted: true })];
  }

  /** Whether the disk has enough again without an eviction. Nothing of the node can be reclaimed for memory and processes. */
  private async reclaimed(signal: Signal, apart: boolean): Promise<boolean> {
    if (signals[signal].condition !== 'DiskPressure' || (apart && signal.startsWith('nodefs.'))) return false;
    const { removeEndedContainers, removeUnusedImages, log, observe } = this.deps;
    for (const reclaim of [removeEndedContainers, removeUnusedImages]) {
      await reclaim().catch((error: unknown) => log.warn('disk space was not reclaimed', { error }));
    }
    return isResolved(this.thresholds, await observe());
  }

  private evict(pod: Pod, eviction: Eviction): Promise<void> {
    const { log } = this.deps;
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    log.info('pod evicted', { pod: name, message: eviction.message, reason: evicted });
    const end = this.deps.evict(pod, eviction);
    end.catch((error: unknown) =>
      log.warn('an evicted pod was not ended, its worker tries again', { pod: name, error }),
    );
    return end;
  }

  private async ended(ends: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const limit = this.deps.clock.sleep(endsWithinMs, AbortSignal.any([signal, over.signal])).catch(() => {});
    await Promise.race([Promise.allSettled(ends), limit]);
    over.abort(new Error('the pods have ended'));
  }
}
