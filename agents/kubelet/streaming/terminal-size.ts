// Sizes of the client's terminal: JSON objects, one after the other, as {"Width":80,"Height":24}.
import type { TerminalSize } from './handlers';

/** A size has about twenty bytes; a longer text without an end is invalid. */
const maxPending = 4096;

/** At most this many sizes are read from one message: it may hold a million pieces that are not a size, and each costs microseconds. */
const maxSizes = 100;

/** Yields the sizes in a byte stream, and drops everything else. */
export class TerminalSizeReader {
  private pending = '';

  *push(chunk: Buffer | string): Generator<TerminalSize> {
    const parts = (this.pending + chunk.toString()).split('}');
    this.pending = parts.pop()!;
    // Only the last size matters.
    for (const part of parts.slice(-maxSizes)) {
      const size = parseTerminalSize(`${part}}`);
      if (size) yield size;
    }
    if (this.pending.length > maxPending) this.pending = '';
  }
}

function parseTerminalSize(text: string): TerminalSize | undefined {
  let value: { Width?: unknown; Height?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Invalid text between sizes must not end a session.
  }
  const { Width: width, Height: height } = value;
  const fits = (n: unknown): n is number => typeof n === 'number' && Number.isInteger(n) && n > 0 && n <= 0xffff;
  return fits(width) && fits(height) ? { width, height } : undefined;
}

/** Keeps the latest size for a later listener, and drops repeated sizes. */
export class ResizeFeed {
  private latest: TerminalSize | undefined;
  private onFirst = () => {};
  private listener: ((size: TerminalSize) => void) | undefined;

  publish(size: TerminalSize): void {
    if (this.latest?.width === size.width && this.latest.height === size.height) return;
    this.latest = size;
    this.onFirst();
    this.listener?.(size);
  }

  subscribe(listener: (size: TerminalSize) => void): void {
    this.listener = listener;
    if (this.latest) listener(this.latest);
  }

  /** Resolves with the first size, or after `waitMs` without one. */
  async first(waitMs: number): Promise<void> {
    if (this.latest) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.onFirst = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
