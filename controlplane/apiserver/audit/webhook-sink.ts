// Sends audit events to a program outside the server, as an EventList of many events a request.
//
// Promises: (1) No request of a client waits. (2) The memory is bounded: while the program is slow or away, further events are dropped
// and counted. (3) A failed request is repeated with pauses, `maxAttempts` in all; then its events are dropped and counted, so that one
// list that the program refuses does not stop the others. (4) close() sends what waits, once.
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Transport } from '../../client/client';
import type { AuditSink } from './auditor';

export interface WebhookSinkConfig {
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
}

/** Upstream's defaults. */
export const maxBatchEvents = 400;
export const maxWaitMs = 30_000;
const maxBufferedEvents = 10_000;
/** Events with objects are large: this bounds the buffer too. */
const maxBufferedBytes = 32 * 1024 * 1024;
export const retryMs = 10_000;
const maxAttempts = 3;
const timeoutMs = 30_000;

export class WebhookSink implements AuditSink {
  private queue: string[] = [];
  private bytes = 0;
  private sending: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;
  private failing = false;
  private readonly closing = new AbortController();
  events = 0;
  dropped = 0;

  constructor(
    private readonly config: WebhookSinkConfig,
    private readonly deps: { readonly clock: Clock; readonly log: Logger },
  ) {}

  /** Bound, so that it can be passed on. */
  readonly emit = (line: string): void => {
    if (this.queue.length >= maxBufferedEvents || this.bytes + line.length > maxBufferedBytes) {
      this.drop(1, 'the audit webhook is too slow');
      return;
    }
    this.events++;
    this.queue.push(line);
    this.bytes += line.length;
    if (this.queue.length >= maxBatchEvents) this.flush();
    else this.cancelTimer ??= this.deps.clock.after(maxWaitMs, () => this.flush());
  };

  async close(): Promise<void> {
    this.closing.abort();
    this.flush();
    await this.sending;
  }

  private flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.sending ??= this.drain().finally(() => {
      this.sending = undefined;
    });
  }

  /** Sends all that waits, one list after another. Never rejects. */
  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, maxBatchEvents);
      if (await this.deliver(batch)) this.failing = false;
      this.bytes -= batch.reduce((sum, line) => sum + line.length, 0);
    }
  }

  private async deliver(batch: readonly string[]): Promise<boolean> {
    const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${batch.join(',')}]}`;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.send(body);
        return true;
      } catch (error) {
        if (attempt === maxAttempts || this.closing.signal.aborted) {
          this.drop(batch.length, describeError(error));
          return false;
        }
      }
      await this.deps.clock.sleep(retryMs, this.closing.signal).catch(() => undefined);
    }
  }

  private async send(body: string): Promise<void> {
    const { transport, path } = this.config;
    const headers = { 'content-type': 'application/json' };
    const answer = await transport.send({
      method: 'POST',
      path,
      headers,
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    // The answer says nothing, but an unread one keeps its connection.
    for await (const _ of answer.body) if (answer.status > 299) break;
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`the audit webhook answers with status ${answer.status}`);
  }

  /** One message for each time that it fails. */
  private drop(count: number, why: string): void {
    this.dropped += count;
    if (!this.failing) this.deps.log.error('audit events cannot be sent and are dropped', { why });
    this.failing = true;
  }
}
