// Shows progress: numbered steps with elapsed time. On a terminal the line of the running step is rewritten with a tick when it
// ends; without a terminal every step prints one plain line when it ends. NO_COLOR and --quiet are obeyed.

export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly tty: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
  readonly now: () => number;
  /** How many steps there will be. */
  readonly total: number;
}

export class Progress {
  private done = 0;
  private readonly startedAt: number;
  constructor(private readonly options: ProgressOptions) {
    this.startedAt = options.now();
  }

  /** Runs one step; `work` may return a few words on its result. A failure is marked and thrown. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const { write, tty, quiet, now, total } = this.options;
    const label = `[${++this.done}/${total}] ${title}`;
    const startedAt = now();
    if (tty && !quiet) write(`  ${label} ...`);
    try {
      const result = await work();
      const note = typeof result === 'string' && result !== '' ? ` (${result})` : '';
      this.finish(`${this.paint('32', '✓')} ${label}${note}`, startedAt);
      return result;
    } catch (err) {
      this.finish(`${this.paint('31', '✗')} ${label}`, startedAt);
      throw err;
    }
  }

  /** Seconds since the first step, as text: 7.4s. */
  elapsed(since: number = this.startedAt): string {
    return `${((this.options.now() - since) / 1000).toFixed(1)}s`;
  }

  private finish(text: string, startedAt: number): void {
    const { write, tty, quiet } = this.options;
    if (quiet) return;
    write(`${tty ? '\r\x1b[K' : ''}${text} ${this.paint('2', this.elapsed(startedAt))}\n`);
  }

  private paint(code: string, text: string): string {
    return this.options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
