// Metrics of parts of this process that the part which serves /metrics does not know: the scheduler, when the API server serves it; the
// clients of the API.

export class ProcessMetrics {
  private readonly renders = new Set<() => readonly string[]>();

  /** Lines in the Prometheus text format, without a name that another part uses. Returns how to end that. */
  add(render: () => readonly string[]): () => void {
    this.renders.add(render);
    return () => this.renders.delete(render);
  }

  render(): readonly string[] {
    return [...this.renders].flatMap((render) => render());
  }
}

/** One for the process, as eventLoop is. */
export const processMetrics = new ProcessMetrics();
