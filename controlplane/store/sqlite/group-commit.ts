// Group commit: writes that arrive in one turn of the event loop, or while an earlier group is being made durable, share
// one transaction and one sync. A write is answered after the sync, so an answer is a promise.

export interface GroupCommitDeps<Op> {
  /** Executes the operations in order in one transaction; returns what to do for each once it is durable. Throws to fail all. */
  readonly commit: (operations: readonly Op[]) => readonly (() => void)[];
  /** Makes everything committed so far durable. */
  readonly sync: () => Promise<void>;
  /** Runs after a sync and before the answers. */
  readonly onDurable: () => void;
  /** The group was not committed, or may not be durable. */
  readonly onFailure: (operations: readonly Op[], error: unknown, committed: boolean) => void;
}

/** Bounds the time one transaction keeps the event loop. */
const maxGroup = 512;

export class GroupCommit<Op> {
  private waiting: Op[] = [];
  private running: Promise<void> | undefined;
  constructor(private readonly deps: GroupCommitDeps<Op>) {}

  add(operation: Op): void {
    this.waiting.push(operation);
    this.running ??= this.run();
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // After the poll phase: by then every request of this turn has been read.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const group = this.waiting.length > maxGroup ? this.waiting.splice(0, maxGroup) : this.waiting;
      if (group === this.waiting) this.waiting = [];
      await this.commitGroup(group);
    }
    this.running = undefined;
  }

  private async commitGroup(group: readonly Op[]): Promise<void> {
    let answers: readonly (() => void)[];
    try {
      answers = this.deps.commit(group);
    } catch (error) {
      this.deps.onFailure(group, error, false);
      return;
    }
    try {
      await this.deps.sync();
    } catch (error) {
      this.deps.onFailure(group, error, true);
      return;
    }
    this.deps.onDurable();
    for (const answer of answers) answer();
  }
}
