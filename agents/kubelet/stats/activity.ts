// What the kubelet has done: calls to the runtime, passes over pods, mounts, evictions, by upstream's names. Rules of Prometheus and
// dashboards read them. Events add to counters; nothing is sampled.
import { Counter, exponentialBuckets, Histogram, renderGauge } from '../../../controlplane/base/metric';

/** Upper bounds in seconds: the default ones of Prometheus' client for Go, and upstream's for slower work. */
const short = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const podStarts = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
];
const storage = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];
const runtime = exponentialBuckets(0.005, 2.5, 14);

/** What a pass over a pod was for. */
export type PodPass = 'create' | 'sync' | 'kill';
export type Certificate = 'client' | 'server';

export class KubeletActivity {
  private readonly operations = new Counter({
    name: 'kubelet_runtime_operations_total',
    help: 'Calls to the container runtime, by what they do.',
  });
  private readonly operationErrors = new Counter({
    name: 'kubelet_runtime_operations_errors_total',
    help: 'Calls to the container runtime that failed.',
  });
  private readonly operationTimes = new Histogram({
    name: 'kubelet_runtime_operations_duration_seconds',
    help: 'How long calls to the container runtime took, in seconds.',
    buckets: runtime,
  });
  private readonly relists = new Histogram({
    name: 'kubelet_pleg_relist_duration_seconds',
    help: 'How long it took to list the containers, in seconds. Events replace most lists.',
    buckets: short,
  });
  private readonly relistIntervals = new Histogram({
    name: 'kubelet_pleg_relist_interval_seconds',
    help: 'Seconds between two lists of the containers.',
    buckets: short,
  });
  private readonly passes = new Histogram({
    name: 'kubelet_pod_worker_duration_seconds',
    help: 'How long one pass over a pod took, in seconds.',
    buckets: short,
  });
  private readonly firstPasses = new Histogram({
    name: 'kubelet_pod_worker_start_duration_seconds',
    help: 'Seconds from the first sight of a pod to its first pass.',
    buckets: short,
  });
  private readonly podStarts = new Histogram({
    name: 'kubelet_pod_start_duration_seconds',
    help: 'Seconds from the first sight of a pod until it runs.',
    buckets: podStarts,
  });
  private readonly groups = new Histogram({
    name: 'kubelet_cgroup_manager_duration_seconds',
    help: 'How long work on the cgroups of pods took, in seconds.',
    buckets: short,
  });
  private readonly mounts = new Histogram({
    name: 'storage_operation_duration_seconds',
    help: 'How long it took to set up a volume, in seconds.',
    buckets: storage,
  });
  private readonly evictions = new Counter({
    name: 'kubelet_evictions',
    help: 'Pods that the kubelet has evicted, by the signal that was too low or too high.',
  });
  private readonly renewErrors: Readonly<Record<Certificate, Counter>> = {
    client: new Counter({
      name: 'kubelet_certificate_manager_client_expiration_renew_errors',
      help: "Failed renewals of the certificate of the kubelet's client.",
    }),
    server: new Counter({
      name: 'kubelet_server_expiration_renew_errors',
      help: "Failed renewals of the certificate of the kubelet's server.",
    }),
  };
  private relistedAtMs: number | undefined;

  constructor() {
    // Rules compare these with an hour ago: without a first value they would see no increase.
    this.operationErrors.add('operation_type="create_container"', 0);
    for (const errors of Object.values(this.renewErrors)) errors.add('', 0);
    for (const metric of [this.relists, this.relistIntervals, this.firstPasses, this.podStarts]) metric.at('');
  }

  /** A call to the runtime. Resolves and rejects as `call` does. */
  async call<T>(operation: string, call: () => Promise<T>): Promise<T> {
    const labels = `operation_type="${operation}"`;
    this.operations.add(labels);
    try {
      return await timed(call, (seconds) => this.operationTimes.observe(labels, seconds));
    } catch (error) {
      this.operationErrors.add(labels);
      throw error;
    }
  }

  /** A list of all containers. */
  async relist(list: () => Promise<void>): Promise<void> {
    const now = performance.now();
    if (this.relistedAtMs !== undefined) this.relistIntervals.observe('', (now - this.relistedAtMs) / 1000);
    this.relistedAtMs = now;
    await timed(list, (seconds) => this.relists.observe('', seconds));
  }

  pass<T>(of: PodPass, pass: () => Promise<T>): Promise<T> {
    return timed(pass, (seconds) => this.passes.observe(`operation_type="${of}"`, seconds));
  }

  /** The first pass over a pod begins, or the pod runs, this long after the kubelet saw it. */
  reached(what: 'first-pass' | 'running', seconds: number): void {
    const of = what === 'running' ? this.podStarts : this.firstPasses;
    of.observe('', seconds);
  }

  group<T>(what: 'create' | 'destroy', work: () => Promise<T>): Promise<T> {
    return timed(work, (seconds) => this.groups.observe(`operation_type="${what}"`, seconds));
  }

  /** `plugin` is the name of its folder: configmap, empty-dir, csi. */
  async mount<T>(plugin: string, mount: () => Promise<T>): Promise<T> {
    let status = 'fail-unknown';
    const note = (seconds: number) =>
      this.mounts.observe(
        `migrated="false",operation_name="volume_mount",status="${status}",volume_plugin="${pluginName(plugin)}"`,
        seconds,
      );
    return timed(async () => {
      const result = await mount();
      status = 'success';
      return result;
    }, note);
  }

  evicted(signal: string): void {
    this.evictions.add(`eviction_signal="${signal}"`);
  }

  renewalFailed(of: Certificate): void {
    this.renewErrors[of].add('');
  }

  render(): readonly string[] {
    const counted = [this.operations, this.operationErrors, this.operationTimes, this.relists, this.relistIntervals];
    const worked = [this.passes, this.firstPasses, this.podStarts, this.groups, this.mounts, this.evictions];
    return [...counted, ...worked, ...Object.values(this.renewErrors)].flatMap((metric) => metric.render());
  }
}

/** As upstream: the folder of a volume has the name with another divider. */
export const pluginName = (folder: string): string => `kubernetes.io/${folder}`;

/** Seconds that each certificate is valid for from now on. One that is missing is left out. */
export function renderCertificateTtl(endMs: Readonly<Record<Certificate, number | undefined>>, nowMs: number) {
  return (['client', 'server'] as const).flatMap((of) => {
    const end = endMs[of];
    const name = `kubelet_certificate_manager_${of}_ttl_seconds`;
    const help = `Seconds until the certificate of the kubelet's ${of} ends.`;
    return end === undefined ? [] : renderGauge({ name, help }, [['', Math.round((end - nowMs) / 1000)]]);
  });
}

async function timed<T>(work: () => Promise<T>, note: (seconds: number) => void): Promise<T> {
  const began = performance.now();
  try {
    return await work();
  } finally {
    note((performance.now() - began) / 1000);
  }
}

/** One for the process, as queueMetrics is: a process runs one kubelet. */
export const kubeletActivity = new KubeletActivity();
