// What the parts of a process show in its /metrics. A part adds itself while it works, so the server need not know it.

export type RenderMetrics = () => readonly string[];

export class MetricSources {
  private readonly sources = new Set<RenderMetrics>();

  /** Shown until the signal is aborted. */
  add(render: RenderMetrics, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.sources.add(render);
    signal.addEventListener('abort', () => this.sources.delete(render), { once: true });
  }

  /** Lines of the Prometheus text format. */
  render(): readonly string[] {
    return [...this.sources].flatMap((render) => render());
  }
}

/** Of this process. */
export const metricSources = new MetricSources();
