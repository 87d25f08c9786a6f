// Writes audit events as lines, in order, without keeping any request waiting.
//
// Promises: (1) A request never waits for the log: events wait in memory while an earlier write runs. (2) The memory is bounded: when
// a slow disk leaves `maxQueuedBytes` unwritten, further events are dropped, counted, and reported once for each such time.
// (3) close() writes all events that were accepted.
import type { Logger } from '../../base/logger';
import type { LogWriter } from './rotating-file';

export const maxQueuedBytes = 32 * 1024 * 1024;

export class LogSink {
  private queue: string[] = [];
  private queuedBytes = 0;
  private writing: Promise<void> | undefined;
  private failing = false;
  /** Counters for /metrics. */
  events = 0;
  dropped = 0;

  constructor(
    private readonly writer: LogWriter,
    private readonly log: Logger,
    private readonly limit = maxQueuedBytes,
  ) {}

  /** Bound, so that it can be passed on. */
  readonly emit = (line: string): void => {
    if (this.queuedBytes + line.length > this.limit) {
      if (!this.failing) this.log.error('the audit log is too slow: events are dropped until it has caught up', {});
      this.failing = true;
      this.dropped++;
      return;
    }
    this.events++;
    this.queue.push(line);
    this.queuedBytes += line.length;
    this.writing ??= this.drain();
  };

  async close(): Promise<void> {
    await this.writing;
    await this.writer.close();
  }

  /** All lines that wait become one write. Never rejects. */
  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const lines = this.queue;
      this.queue = [];
      const bytes = this.queuedBytes;
      try {
        await this.writer.write(`${lines.join('\n')}\n`);
        this.failing = false;
      } catch (error) {
        this.dropped += lines.length;
        if (!this.failing) this.log.error('audit events cannot be written and are dropped', { error });
        this.failing = true;
      }
      this.queuedBytes -= bytes;
    }
    this.writing = undefined;
  }
}
