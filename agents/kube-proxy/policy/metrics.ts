// The metrics of policy enforcement, in the Prometheus text format. Upstream has no names for these.

export interface PolicySync {
  readonly policies: number;
  readonly pods: number;
  readonly ms: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export class PolicyMetrics {
  failures = 0;
  drifts = 0;
  private syncs = 0;
  private totalMs = 0;
  private last: PolicySync | undefined;

  synced(sync: PolicySync): void {
    this.syncs++;
    this.totalMs += sync.ms;
    this.last = sync;
  }

  render(): string {
    const one = (name: string, type: 'counter' | 'gauge', help: string, value: number) =>
      `# HELP k8ts_policy_${name} ${help}\n# TYPE k8ts_policy_${name} ${type}\nk8ts_policy_${name} ${value}\n`;
    return [
      one('policies', 'gauge', 'NetworkPolicies of the cluster.', this.last?.policies ?? 0),
      one('pods', 'gauge', 'Pods known to the policies; 0 without a policy.', this.last?.pods ?? 0),
      one('syncs_total', 'counter', 'Synchronisations.', this.syncs),
      one('sync_seconds_total', 'counter', 'Time of all of them.', this.totalMs / 1000),
      one('last_sync_timestamp_seconds', 'gauge', 'When the last one ended well.', (this.last?.at ?? 0) / 1000),
      one('sync_failures_total', 'counter', 'Failed writes.', this.failures),
      one('drift_healed_total', 'counter', 'Times rules changed by others were written again.', this.drifts),
    ].join('');
  }
}
