// Keeps rules in the kernel as desired, for any kind of rules: writes them after changes, and checks at intervals whether another
// process changed them.
//   1. Nothing is written or checked before run(). Requests before it are dropped, because run() starts with a write of everything.
//   2. Writes and checks never overlap.
//   3. Writes start as runner.ts promises: at once, changes during a write together, failed writes again with back-off.
//   4. Every `canaryMs` there is a check. It is thorough the first time, then every `checkMs`; where a quick check does not notice every
//      change, as often as thorough checks take at most `checkShare` of a core.
//   5. A check that finds drift reports it once and requests a write. A check that fails is logged; the next one comes as usual.
//   6. problem() names changes that have waited for longer than `staleMs`, with the last failure. A failed write keeps its changes
//      waiting since they were requested.
//   7. state() changes `writes` with each write that begins: equal numbers, and no write under way, mean that nothing was planned in between.
//   8. run() resolves after its signal is aborted and the last write and check have ended.
import type { Clock } from '../../controlplane/base/clock';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Drift } from '../../dataplane/netfilter/writer';
import type { WriteState } from '../../dataplane/rules-diff/document';
import { Runner } from './runner';

/** Rules that another process flushes are written again within this time plus one write. */
export const canaryMs = 2_500;
export const checkMs = 60_000;
export const checkShare = 0.02;
/** Changes that wait longer than this show that a write is stuck: /healthz reports it. */
export const staleMs = 60_000;

export interface RulesKeeperDeps {
  /** The kind of rules, as log lines and /healthz name it: rules, policies. */
  readonly what: string;
  /** Writes the changes since the last call. After a failure, the next call must write them as well. */
  readonly sync: () => Promise<void>;
  /** Compares with the kernel; `thorough` compares everything. */
  readonly check: (thorough: boolean) => Promise<Drift>;
  /** True while a check that is not thorough notices every change by other processes. */
  readonly noticesAll: () => boolean;
  readonly onDrift: (drift: Drift) => void;
  /** Called for each request after run() has started. */
  readonly onRequest?: () => void;
  /** Called with the first failure in each series of failed writes. */
  readonly onFailing?: (message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class RulesKeeper {
  private readonly runner: Runner;
  /** The queue of writes and checks. */
  private turn: Promise<unknown> = Promise.resolve();
  private running = false;
  private waitingSince: number | undefined;
  private failure: string | undefined;
  private writes = 0;
  private writing = false;
  private writtenAt: number | undefined;

  constructor(private readonly deps: RulesKeeperDeps) {
    this.runner = new Runner({
      clock: deps.clock,
      work: () => this.inTurn(() => this.sync()),
      onFailure: (err) => this.failed(err),
    });
  }

  /** Whether run() was called; earlier requests are dropped. */
  get started(): boolean {
    return this.running;
  }

  request(urgency: 'soon' | 'now' = 'now'): void {
    if (!this.running) return;
    this.deps.onRequest?.();
    this.waitingSince ??= this.deps.clock.now();
    this.runner.request(urgency);
  }

  /** Call it once everything desired is known: rules that are not desired then are removed from the kernel. */
  async run(signal: AbortSignal): Promise<void> {
    this.running = true;
    this.request();
    await Promise.all([this.runner.run(signal), this.watch(signal)]);
    await this.turn;
  }

  state(): WriteState {
    const { waitingSince, failure, writtenAt, writes, writing } = this;
    return {
      writes,
      pending: writing || waitingSince !== undefined,
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** What is wrong, for /healthz. */
  problem(): string | undefined {
    const { what, clock } = this.deps;
    const waited = this.waitingSince === undefined ? 0 : clock.now() - this.waitingSince;
    return waited > staleMs
      ? `${what} are ${Math.round(waited / 1000)} s old: ${this.failure ?? 'still writing'}`
      : undefined;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async sync(): Promise<void> {
    const start = this.deps.clock.now();
    const requestedAt = this.waitingSince;
    this.waitingSince = undefined;
    this.writes++;
    this.writing = true;
    try {
      await this.deps.sync();
      this.failure = undefined;
      this.writtenAt = this.deps.clock.now();
    } catch (err) {
      this.waitingSince ??= requestedAt ?? start;
      throw err;
    } finally {
      this.writing = false;
    }
  }

  private failed(err: unknown): void {
    const { what, log, onFailing } = this.deps;
    const message = describeError(err);
    if (this.failure === undefined) onFailing?.(message);
    this.failure = message;
    log.error(`${what} not written; they will be written again`, { error: err });
  }

  private async watch(signal: AbortSignal): Promise<void> {
    const { clock, noticesAll } = this.deps;
    let thoroughAt = clock.now();
    while (!signal.aborted) {
      await clock.sleep(canaryMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const start = clock.now();
      const thorough = start >= thoroughAt;
      await this.check(thorough);
      if (!thorough) continue;
      const end = clock.now();
      thoroughAt = end + (noticesAll() ? checkMs : Math.min(checkMs, (end - start) / checkShare));
    }
  }

  private async check(thorough: boolean): Promise<void> {
    const { what, check, onDrift, log } = this.deps;
    try {
      const drift = await this.inTurn(() => check(thorough));
      if (drift.length === 0) return;
      log.warn(`another process removed or changed ${what}; they will be written again`, {
        count: drift.length,
        chains: drift.slice(0, 10).map(({ table, chain, kind }) => `${table}/${chain} ${kind}`),
      });
      this.request();
      onDrift(drift);
    } catch (err) {
      log.warn(`${what} not checked; the next check follows`, { error: err });
    }
  }
}
