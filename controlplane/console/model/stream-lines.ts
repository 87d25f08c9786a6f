// Lines of a text that arrives in pieces: events of a watch, a log.

export class StreamLines {
  private readonly decoder = new TextDecoder();
  private rest = '';

  /** The lines that this piece completes, without their ends. */
  push(bytes: Uint8Array): readonly string[] {
    const parts = (this.rest + this.decoder.decode(bytes, { stream: true })).split('\n');
    this.rest = parts.pop()!;
    return parts;
  }

  /** What came after the last line end; '' mostly. */
  end(): string {
    const { rest } = this;
    this.rest = '';
    return rest;
  }
}

/** The last lines of a log: a bound on what a page keeps of a log without end. */
export class LastLines {
  private lines: string[] = [];
  /** How many lines were dropped at the front. */
  dropped = 0;

  constructor(private readonly max: number) {}

  push(lines: readonly string[]): void {
    for (const line of lines) this.lines.push(line);
    const excess = this.lines.length - this.max;
    if (excess <= 0) return;
    this.lines.splice(0, excess);
    this.dropped += excess;
  }

  clear(): void {
    this.lines = [];
    this.dropped = 0;
  }

  get size(): number {
    return this.lines.length;
  }

  text(): string {
    return this.lines.join('\n');
  }
}
