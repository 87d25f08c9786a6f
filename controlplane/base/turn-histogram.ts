// How long the turns of the event loop were, by the work that took most of each, in the Prometheus text format.

/** Upper bounds in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const metric = 'k8ts_event_loop_turn_seconds';

interface Series {
  readonly counts: number[];
  sum: number;
  count: number;
}

export class TurnHistogram<K extends string> {
  private readonly series = new Map<K, Series>();

  /** `kind` becomes a label, so it must be one of few values. */
  observe(kind: K, ms: number): void {
    let series = this.series.get(kind);
    if (!series) {
      series = { counts: buckets.map(() => 0), sum: 0, count: 0 };
      this.series.set(kind, series);
    }
    const seconds = ms / 1000;
    series.sum += seconds;
    series.count++;
    for (let i = 0; i < buckets.length; i++) {
      if (seconds > buckets[i]!) continue;
      series.counts[i]!++;
      return;
    }
  }

  render(): string {
    const lines = [
      `# HELP ${metric} Turns of the event loop, by the work that took most of each.`,
      `# TYPE ${metric} histogram`,
    ];
    for (const [kind, { counts, sum, count }] of this.series) {
      let running = 0;
      for (const [i, n] of counts.entries()) {
        running += n;
        lines.push(`${metric}_bucket{work="${kind}",le="${buckets[i]}"} ${running}`);
      }
      lines.push(`${metric}_bucket{work="${kind}",le="+Inf"} ${count}`);
      lines.push(`${metric}_sum{work="${kind}"} ${sum}`, `${metric}_count{work="${kind}"} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
