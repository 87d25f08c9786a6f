// The metrics of this agent, in the Prometheus text format.

/** Requests answered, by status. */
export class Answers {
  private readonly counts = new Map<number, number>();

  count(status: number): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
  }

  render(): string {
    const name = 'k8ts_ingress_requests_total';
    const lines = [...this.counts].sort(([a], [b]) => a - b).map(([code, n]) => `${name}{code="${code}"} ${n}\n`);
    return `# HELP ${name} Requests answered, by status.\n# TYPE ${name} counter\n${lines.join('')}`;
  }
}
