// The store on etcd: one key for each object, transactions for writes, one watch of all keys. Several servers may use the same etcd.
import { Backoff } from '../../base/backoff';
import { type Clock, systemClock } from '../../base/clock';
import { BadRequest, Expired, Unavailable, Unsupported } from '../../base/errors';
import { type Logger, silentLogger } from '../../base/logger';
import { RpcError } from '../../grpc/rpc-error';
import type { Claims, HeldClaim, RangeOptions, RangeResult, Store, StoredValue, Together, WatchBatch } from '../store';
import { EtcdConnection, type EtcdDeps, type EtcdOptions, NoSpace } from './connection';
import { EventFeed, Replaced } from './event-feed';
import type { Write } from './facts';
import {
  afterPrefix,
  allClaimRows,
  decodeValue,
  endOf,
  format,
  formatKey,
  mainOf,
  readClaimRow,
  revisionAt,
  step,
} from './layout';
import { PageSize } from './page-size';
import { compareResult, compareTarget, type KeyValue, type RangeResponse, type WatchResponse } from './protocol';
import { WriteLoop } from './write-loop';

const allKeys = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const empty = Buffer.alloc(0);
/** Answers that wait for their reader; more stay in etcd's connection. */
const maxWaiting = 64;

export class EtcdStore implements Store {
  readonly step = step;
  readonly isShared = true;
  private readonly writes: WriteLoop;
  private readonly stop = new AbortController();
  private readonly replaced = new AbortController();
  private isFull = false;
  private running = 0;
  private idle: (() => void) | undefined;

  private constructor(
    private readonly etcd: EtcdConnection,
    private readonly clock: Clock,
    private readonly log: Logger,
    /** The revision of etcd at that moment. */
    private readonly opened: number,
  ) {
    this.writes = new WriteLoop(etcd);
  }

  /**
   * @throws Unsupported when the keys under /registry/ were not written by this program, or by a newer one;
   *   Unavailable when no member of etcd answers
   */
  static async open(options: EtcdOptions, { clock = systemClock, log = silentLogger }: Partial<EtcdDeps> = {}) {
    const etcd = await EtcdConnection.open(options, { clock, log });
    try {
      return new EtcdStore(etcd, clock, log, await checkFormat(etcd));
    } catch (error) {
      etcd.close();
      throw error;
    }
  }

  async revision(): Promise<number> {
    this.checkOpen();
    const { header } = await this.etcd.read('Range', { key: formatKey, countOnly: true });
    return endOf(header.revision);
  }

  async get(key: string): Promise<StoredValue | undefined> {
    this.checkOpen();
    const { kvs } = await this.etcd.read('Range', { key: Buffer.from(key) });
    return kvs[0] && toStored(kvs[0]);
  }

  async range(prefix: string, { revision, limit, after }: RangeOptions = {}): Promise<RangeResult> {
    this.checkOpen();
    const items: StoredValue[] = [];
    const page = new PageSize();
    const rangeEnd = afterPrefix(Buffer.from(prefix));
    let key = Buffer.from(after !== undefined && after >= prefix ? `${after}\0` : prefix || '/');
    let main = revision === undefined ? undefined : mainOf(revision);
    for (;;) {
      const left = limit === undefined ? Number.POSITIVE_INFINITY : limit - items.length;
      const request = {
        key,
        rangeEnd,
        limit: Math.min(left, page.size),
        ...(main === undefined ? {} : { revision: main }),
      };
      const answer = await this.readAt(request, revision);
      main ??= answer.header.revision;
      for (const found of answer.kvs) items.push(toStored(found));
      page.note(answer.kvs);
      const last = answer.kvs.at(-1);
      if (!answer.more || !last || items.length === limit) {
        return { items, revision: revision ?? endOf(main), more: answer.more };
      }
      key = Buffer.concat([last.key, Buffer.from([0])]);
    }
  }

  create(key: string, value: Buffer, claims?: Claims, together: readonly Together[] = []): Promise<number> {
    return this.write({ verb: 'create', key, value, expectedRevision: undefined, claims, together });
  }

  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together: readonly Together[] = [],
  ): Promise<number> {
    return this.write({ verb: 'update', key, value, expectedRevision, claims, together });
  }

  delete(key: string, expectedRevision?: number, together: readonly Together[] = []): Promise<number> {
    return this.write({ verb: 'delete', key, value: empty, expectedRevision, claims: undefined, together });
  }

  async adopt(key: string, claims: Claims, expectedRevision: number): Promise<void> {
    await this.write({ verb: 'adopt', key, value: empty, expectedRevision, claims, together: [] });
  }

  async claims(given?: number): Promise<readonly HeldClaim[]> {
    this.checkOpen();
    const all: HeldClaim[] = [];
    for (let { key } = allClaimRows, revision = given === undefined ? 0 : mainOf(given); ; ) {
      const { rangeEnd } = allClaimRows;
      const answer = await this.etcd.read('Range', { key, rangeEnd, limit: 10_000, keysOnly: true, revision });
      revision ||= answer.header.revision;
      all.push(...answer.kvs.map((row) => readClaimRow(row.key)));
      if (!answer.more) return all;
      key = Buffer.concat([answer.kvs.at(-1)!.key, Buffer.from([0])]);
    }
  }

  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    this.checkOpen();
    return {
      [Symbol.asyncIterator]: () => this.follow(prefix, afterRevision, AbortSignal.any([signal, this.stop.signal])),
    };
  }

  async compact(revision: number): Promise<void> {
    this.checkOpen();
    const newest = mainOf(await this.revision());
    try {
      await this.etcd.write('Compact', { revision: Math.min(mainOf(revision), newest) });
    } catch (error) {
      // Another server has compacted further already.
      if (!isCompacted(error)) throw error;
    }
  }

  /** Aborted when the data was replaced, by a restore for example. */
  get ended(): AbortSignal {
    return this.replaced.signal;
  }

  problem(): string | undefined {
    if (this.replaced.signal.aborted) return 'the data in etcd was replaced';
    return this.isFull ? 'etcd has no space left' : undefined;
  }

  async close(): Promise<void> {
    if (this.stop.signal.aborted) return;
    this.stop.abort(new Unavailable('the store is closed'));
    if (this.running > 0) {
      await new Promise<void>((resolve) => {
        this.idle = resolve;
      });
    }
    this.etcd.close();
  }

  private async write(write: Write): Promise<number> {
    this.checkOpen();
    this.running++;
    try {
      const main = await this.writes.run(write);
      if (this.isFull) this.log.info('etcd takes writes again');
      this.isFull = false;
      return revisionAt(main, 0);
    } catch (error) {
      if (error instanceof NoSpace && !this.isFull) {
        this.log.error(
          'etcd refuses writes: its data has reached --quota-backend-bytes; k8ts store compact makes room',
          { error },
        );
      }
      this.isFull ||= error instanceof NoSpace;
      throw error;
    } finally {
      if (--this.running === 0) this.idle?.();
    }
  }

  /** Begins again at the next member, without a gap, when the connection breaks. */
  private async *follow(prefix: string, afterRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const backoff = new Backoff<string>({ initialMs: 50, maxMs: 1_000 });
    let position = afterRevision;
    let isBroken = false;
    while (!signal.aborted) {
      const feed = new EventFeed(prefix, position, this.opened);
      try {
        for await (const answer of this.answers(feed.startRevision, signal)) {
          const batch = feed.next(answer);
          if (isBroken) this.log.info('the watch of etcd goes on', { revision: mainOf(position) });
          isBroken = false;
          backoff.forget('watch');
          if (!batch) continue;
          position = batch.revision;
          yield batch;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Replaced) this.end(error);
        if (!(error instanceof WatchBroken)) throw error;
        if (!isBroken)
          this.log.warn('the watch of etcd broke; the next member is tried until one answers', { error: error.cause });
        isBroken = true;
        await this.clock.sleep(backoff.next('watch'), signal).catch(() => undefined);
      }
    }
  }

  /** @throws WatchBroken when the connection ends */
  private async *answers(startRevision: number, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const ended = new AbortController();
    const waiting: WatchResponse[] = [];
    let wake: (() => void) | undefined;
    let resume: (() => void) | undefined;
    let failure: unknown;
    const createRequest = { ...allKeys, startRevision, prevKv: true, fragment: true };
    const stream = this.etcd.watch(
      { createRequest },
      (answer, flow) => {
        waiting.push(answer);
        if (waiting.length >= maxWaiting) {
          flow.pause();
          resume = flow.resume;
        }
        wake?.();
      },
      AbortSignal.any([signal, ended.signal]),
    );
    stream.catch((error: unknown) => {
      failure = new WatchBroken(error);
      wake?.();
    });
    try {
      for (;;) {
        const answer = waiting.shift();
        if (answer) yield answer;
        else if (failure) throw failure;
        else if (resume) {
          resume();
          resume = undefined;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      ended.abort(new Error('the watch is not read any more'));
    }
  }

  /** @throws Expired, BadRequest */
  private async readAt(
    request: Parameters<EtcdConnection['read']>[1] & { key: Buffer },
    revision: number | undefined,
  ): Promise<RangeResponse> {
    try {
      return await this.etcd.read('Range', request);
    } catch (error) {
      if (isCompacted(error)) throw new Expired(`revision ${revision} has been compacted`, { cause: error });
      if (isFuture(error)) throw new BadRequest(`revision ${revision} is in the future`, { cause: error });
      throw error;
    }
  }

  /** A server that went on would give objects other revisions than servers that open the store now. */
  private end(reason: Replaced): void {
    if (!this.replaced.signal.aborted)
      this.log.error('every request is refused until the store is opened again', { error: reason });
    this.replaced.abort(reason);
  }

  private checkOpen(): void {
    if (this.replaced.signal.aborted) throw this.replaced.signal.reason;
    if (this.stop.signal.aborted) throw new Unavailable('the store is closed');
  }
}

class WatchBroken extends Error {
  constructor(cause: unknown) {
    super('the watch has ended', { cause });
  }
}

const isCompacted = (error: unknown): boolean =>
  error instanceof RpcError && error.reason.includes('required revision has been compacted');
const isFuture = (error: unknown): boolean =>
  error instanceof RpcError && error.reason.includes('required revision is a future revision');

function toStored(found: KeyValue): StoredValue {
  const { value, index } = decodeValue(found.value);
  return { key: found.key.toString(), value, modRevision: revisionAt(found.modRevision, index) };
}

/**
 * Marks an empty etcd as ours. Resolves with the revision of etcd. @throws Unsupported for data of another program or of a newer
 * version
 */
async function checkFormat(etcd: EtcdConnection): Promise<number> {
  const { kvs, header } = await etcd.read('Range', { key: formatKey });
  const found = kvs[0]?.value.toString();
  if (found === format) return header.revision;
  if (found !== undefined) {
    throw new Unsupported(
      `the data in etcd at ${etcd.address()} has format ${found}, which a newer k8ts wrote; this one reads ${format}`,
    );
  }
  const values = { key: Buffer.from('/registry/'), rangeEnd: Buffer.from('/registry0') };
  const foreign = await etcd.read('Range', { ...values, limit: 1, keysOnly: true });
  if (foreign.kvs[0]) {
    throw new Unsupported(
      `etcd at ${etcd.address()} has keys under /registry/ that k8ts did not write, such as ${foreign.kvs[0].key}. ` +
        'k8ts does not read objects of kube-apiserver: give it an etcd of its own, and copy the objects with kubectl',
    );
  }
  const marked = await etcd.write('Txn', {
    compare: [{ result: compareResult.equal, target: compareTarget.mod, key: formatKey, modRevision: 0 }],
    success: [{ requestPut: { key: formatKey, value: Buffer.from(format) } }],
    failure: [],
  });
  return marked.header.revision;
}
