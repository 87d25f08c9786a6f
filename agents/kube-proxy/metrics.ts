// The metrics of kube-proxy, with the names that upstream's dashboards use, in the Prometheus text format.

/** Upper bounds in seconds: from 1 ms, doubled each time, to 16 s, as in kube-proxy's sync histogram. */
const syncBuckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
/** The buckets of SIG Scalability's network programming latency SLI. */
const programmingBuckets = [
  0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 105, 120, 165, 180, 240, 300,
];

class Histogram {
  private readonly counts: number[];
  private sum = 0;
  private count = 0;
  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
  }
  observe(seconds: number): void {
    this.sum += seconds;
    this.count++;
    const at = this.bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) this.counts[at]!++;
  }
  render(name: string, help: string): string {
    let total = 0;
    const lines = this.bounds.map((bound, i) => {
      total += this.counts[i]!;
      return `${name}_bucket{le="${Number(bound.toPrecision(6))}"} ${total}\n`;
    });
    lines.push(`${name}_bucket{le="+Inf"} ${this.count}\n${name}_sum ${this.sum}\n${name}_count ${this.count}\n`);
    return `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${lines.join('')}`;
  }
}

export class Metrics {
  readonly syncDuration = new Histogram(syncBuckets);
  readonly fullSyncDuration = new Histogram(syncBuckets);
  readonly partialSyncDuration = new Histogram(syncBuckets);
  readonly programmingLatency = new Histogram(programmingBuckets);
  serviceChanges = 0;
  endpointChanges = 0;
  restoreFailures = 0;
  partialRestoreFailures = 0;
  healedDrifts = 0;
  staleFlowsDeleted = 0;
  /** Seconds since the epoch. */
  lastSync = 0;
  lastQueued = 0;
  readonly rules = new Map<string, number>();

  render(): string {
    const p = 'kubeproxy';
    const counter = (name: string, help: string, value: number) =>
      `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${value}\n`;
    const gauge = (name: string, help: string, value: number) =>
      `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
    const rules = [...this.rules].map(([table, n]) => `${p}_sync_proxy_rules_iptables_total{table="${table}"} ${n}\n`);
    return [
      this.syncDuration.render(`${p}_sync_proxy_rules_duration_seconds`, 'Time of one synchronisation.'),
      this.fullSyncDuration.render(`${p}_sync_full_proxy_rules_duration_seconds`, 'Of those against the kernel state.'),
      this.partialSyncDuration.render(`${p}_sync_partial_proxy_rules_duration_seconds`, 'Of those of changed chains.'),
      this.programmingLatency.render(
        `${p}_network_programming_duration_seconds`,
        'From the change of a pod or Service to the rules in the kernel.',
      ),
      counter(`${p}_sync_proxy_rules_service_changes_total`, 'Service changes seen.', this.serviceChanges),
      counter(`${p}_sync_proxy_rules_endpoint_changes_total`, 'EndpointSlice changes seen.', this.endpointChanges),
      counter(`${p}_sync_proxy_rules_iptables_restore_failures_total`, 'Failed writes.', this.restoreFailures),
      counter(
        `${p}_sync_proxy_rules_iptables_partial_restore_failures_total`,
        'Failed writes of changed chains.',
        this.partialRestoreFailures,
      ),
      counter(`${p}_iptables_drift_healed_total`, 'Times rules removed by others were put back.', this.healedDrifts),
      counter(`${p}_conntrack_stale_flows_deleted_total`, 'UDP flows to removed endpoints.', this.staleFlowsDeleted),
      gauge(`${p}_sync_proxy_rules_last_timestamp_seconds`, 'When the last one ended well.', this.lastSync),
      gauge(`${p}_sync_proxy_rules_last_queued_timestamp_seconds`, 'When one was last asked for.', this.lastQueued),
      `# HELP ${p}_sync_proxy_rules_iptables_total Rules held.\n# TYPE ${p}_sync_proxy_rules_iptables_total gauge\n`,
      ...rules,
    ].join('');
  }
}
