// Makes a cache as new as its store, when other servers write to the same store: a request must see every write that was acknowledged
// before it arrived, by whichever server (upstream: KEP-2340, consistent reads from the cache). Requests of the same moment share one
// question to the store.
import type { Clock } from '../../base/clock';
import { describeError, StoreUnavailable } from '../../base/errors';
import type { Logger } from '../../base/logger';

export interface FreshnessDeps {
  /** The newest revision of the store. */
  readonly newest: () => Promise<number>;
  /** Resolves when the cache has this revision; undefined when it has it now. */
  readonly reached: (revision: number) => Promise<void> | undefined;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly log: Logger;
}

/** A look at the state asks the store again when the last answer is older than this. */
const answerAgeMs = 1_000;

export class Freshness {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private failure: string | undefined;
  private answeredAt = 0;

  constructor(private readonly deps: FreshnessDeps) {}

  /** Resolves when the cache has everything that was in the store at the call. @throws Unavailable */
  confirm(): Promise<void> {
    if (!this.running) return this.start();
    // The question under way may have been answered before this call.
    this.next ??= this.running.then(
      () => this.start(),
      () => this.start(),
    );
    return this.next;
  }

  /** Why the last question failed; undefined when it did not. */
  get problem(): string | undefined {
    if (this.deps.clock.elapsed() - this.answeredAt > answerAgeMs) this.confirm().catch(() => undefined);
    return this.failure;
  }

  private start(): Promise<void> {
    this.next = undefined;
    const asked = this.ask().finally(() => {
      if (this.running === asked) this.running = undefined;
    });
    this.running = asked;
    return asked;
  }

  private async ask(): Promise<void> {
    try {
      const newest = await this.deps.newest();
      await this.deps.reached(newest);
      if (this.failure !== undefined) this.deps.log.info('the store answers again');
      this.failure = undefined;
    } catch (error) {
      const before = this.failure;
      this.failure = describeError(error);
      if (before === undefined) this.deps.log.warn('the store does not answer; requests fail until it does', { error });
      throw new StoreUnavailable(`the newest state of the store is not known: ${this.failure}`);
    } finally {
      this.answeredAt = this.deps.clock.elapsed();
    }
  }
}
