// Undo steps, each registered next to the step it undoes: close() runs them in reverse order.

export class Scope {
  private steps: Array<() => unknown> = [];
  private closing: Promise<void> | undefined;

  /** Registers an undo step; if the scope is closed already, the step runs at once, so that a race leaks nothing. */
  defer(step: () => unknown): void {
    if (this.closing) {
      this.closing = this.closing.then(async () => {
        await step();
      });
      return;
    }
    this.steps.push(step);
  }

  /** Drops all steps: what was set up now belongs to the caller. */
  release(): void {
    this.steps = [];
  }

  /**
   * Runs every step in reverse order, awaiting each; a failing step does not keep the others from running.
   * Calling it again waits for the first run. Throws an AggregateError of all failures.
   */
  close(): Promise<void> {
    this.closing ??= this.runSteps();
    return this.closing;
  }

  private async runSteps(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.steps.reverse()) {
      try {
        await step();
      } catch (err) {
        failures.push(err);
      }
    }
    this.steps = [];
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} undo steps failed`);
  }
}
