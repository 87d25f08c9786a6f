// What the scheduler does, with kube-scheduler's names, labels and texts.
import { Counter, exponentialBuckets, Histogram, renderGauge } from '../base/metric';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** Values of the moment. */
export interface SchedulerGauges {
  readonly pending: Readonly<Record<'active' | 'backoff' | 'gated' | 'unschedulable', number>>;
  readonly cache: Readonly<Record<'nodes' | 'pods' | 'assumed_pods', number>>;
  /** How many unschedulable pods each plug-in of a profile has refused. */
  readonly unschedulable: readonly { readonly plugin: string; readonly profile: string; readonly pods: number }[];
}

const milliseconds = exponentialBuckets(0.001, 2, 15);
/** A pod that was tried more often counts with those. */
const maxAttempts = 15;

export class SchedulerMetrics {
  private readonly attempts = new Counter({
    name: 'scheduler_schedule_attempts_total',
    help: 'Attempts to place a pod: scheduled, unschedulable (no node fits) or error',
  });
  private readonly attemptSeconds = new Histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'Time from taking a pod from the queue to its binding, in seconds',
    buckets: milliseconds,
  });
  private readonly algorithmSeconds = new Histogram({
    name: 'scheduler_scheduling_algorithm_duration_seconds',
    help: 'Time to choose a node, in seconds',
    buckets: milliseconds,
  });
  private readonly sliSeconds = new Histogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: "Time from a pod's first entry into the queue to its binding, in seconds",
    buckets: exponentialBuckets(0.01, 2, 20),
  });
  private readonly triesOfPods = new Histogram({
    name: 'scheduler_pod_scheduling_attempts',
    help: 'Attempts that a pod needed until it was bound',
    buckets: exponentialBuckets(1, 2, 5),
  });
  private readonly victims = new Histogram({
    name: 'scheduler_preemption_victims',
    help: 'Pods chosen for eviction by one preemption',
    buckets: exponentialBuckets(1, 2, 7),
  });
  private readonly preemptions = new Counter({
    name: 'scheduler_preemption_attempts_total',
    help: 'Preemptions that were tried',
  });

  constructor(private readonly gauges: () => SchedulerGauges) {
    this.preemptions.add('', 0);
  }

  /** The end of one try of a pod. `seconds` since its begin. */
  attempted(profile: string, result: AttemptResult, seconds: number): void {
    const labels = `profile="${profile}",result="${result}"`;
    this.attempts.add(labels);
    this.attemptSeconds.observe(labels, seconds);
  }

  /** The decision alone, in seconds. */
  decided(seconds: number): void {
    this.algorithmSeconds.observe('', seconds);
  }

  /** The pod is bound, after this many tries and seconds. */
  bound(tries: number, seconds: number): void {
    this.triesOfPods.observe('', tries);
    const label = tries >= maxAttempts ? `${maxAttempts}+` : String(tries);
    this.sliSeconds.observe(`attempts="${label}"`, seconds);
  }

  preemptionTried(): void {
    this.preemptions.add('');
  }

  preempted(victims: number): void {
    this.victims.observe('', victims);
  }

  render(): readonly string[] {
    const { pending, cache, unschedulable } = this.gauges();
    const labelled = (label: string, values: Readonly<Record<string, number>>) =>
      Object.entries(values).map(([name, value]) => [`${label}="${name}"`, value] as const);
    return [
      ...this.attempts.render(),
      ...this.attemptSeconds.render(),
      ...this.algorithmSeconds.render(),
      ...this.sliSeconds.render(),
      ...this.triesOfPods.render(),
      ...this.victims.render(),
      ...this.preemptions.render(),
      ...renderGauge(pendingPods, labelled('queue', pending)),
      ...renderGauge(cacheSize, labelled('type', cache)),
      ...renderGauge(
        unschedulablePods,
        unschedulable.map(({ plugin, profile, pods }) => [`plugin="${plugin}",profile="${profile}"`, pods] as const),
      ),
    ];
  }
}

const pendingPods = {
  name: 'scheduler_pending_pods',
  help: 'Pods that wait, by the part of the queue',
};
const cacheSize = {
  name: 'scheduler_cache_size',
  help: 'Nodes, pods and assumed pods that the scheduler knows',
};
const unschedulablePods = {
  name: 'scheduler_unschedulable_pods',
  help: 'Waiting pods that a plug-in refused; a pod counts for each such plug-in',
};
