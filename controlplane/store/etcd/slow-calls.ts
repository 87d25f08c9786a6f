// Says in the log when etcd begins to answer slowly (a slow disk, mostly), and when that is over: one line each.
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';

/** etcd itself warns from 100 ms on; clients notice a second. */
const slowMs = 1_000;
/** Over when no call was slow for this long. */
const calmMs = 30_000;

export class SlowCalls {
  private count = 0;
  private longestMs = 0;
  private lastAt = 0;

  constructor(
    private readonly clock: Pick<Clock, 'elapsed'>,
    private readonly log: Logger,
  ) {}

  note(call: string, ms: number): void {
    const now = this.clock.elapsed();
    if (ms >= slowMs) {
      if (this.count === 0) this.log.warn('etcd answers slowly', { call, ms: Math.round(ms) });
      this.count++;
      this.longestMs = Math.max(this.longestMs, ms);
      this.lastAt = now;
    } else if (this.count > 0 && now - this.lastAt > calmMs) {
      this.log.info('etcd answers in time again', { slowCalls: this.count, longestMs: Math.round(this.longestMs) });
      this.count = 0;
      this.longestMs = 0;
    }
  }
}
