// The store on SQLite: one table of revisions in one file, one process at a time. Writes go through group commit;
// readers see only what is durable, so nothing that was ever read or watched can be lost by a power cut.
import { close, fdatasync, open } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { Clock } from '../../base/clock';
import { AppError, BadRequest, Expired, StoreUnavailable, Unavailable } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type {
  Claims,
  HeldClaim,
  RangeOptions,
  RangeResult,
  Store,
  StoredValue,
  StoreEvent,
  StoreFiles,
  Together,
  WatchBatch,
} from '../store';
import { type HistoryPage, WatchHub } from '../watch-hub';
import { ClaimTable } from './claims';
import { copyInto } from './copy';
import { executeWrite, type Write as WriteOfStore } from './execute';
import { FileKeeper } from './file-keeper';
import { GroupCommit } from './group-commit';
import { rewriteLog } from './log-file';
import { openDatabase, translate } from './schema';
import { type LogRow, prepareStatements, type Statements, toBuffer } from './statements';

interface Write extends WriteOfStore {
  readonly resolve: (revision: number) => void;
  readonly reject: (error: AppError) => void;
}

const syncData = promisify(fdatasync);
const empty = Buffer.alloc(0);
const bare = { value: empty, claims: undefined };
/** Pages given back in one step. */
const pagesAtOnce = 1_000;
/** Rows removed by one compaction transaction; between two of them the event loop turns. */
const compactionStep = 500;

export interface SqliteOptions {
  /** What is deleted is overwritten, so that no old value stays in the file. */
  readonly erases: boolean;
  readonly log: Logger;
  readonly clock: Clock;
  /** Makes written bytes durable; another function lets a test fail like a disk. */
  readonly sync?: (fd: number) => Promise<void>;
}

export class SqliteStore implements Store {
  readonly step = 1;
  readonly isShared = false;
  readonly files: StoreFiles = {
    copyTo: (path) => this.copyTo(path),
    size: () => this.read(() => this.size()),
    giveBack: () => this.giveBack(),
  };
  /** The newest durable revision: what readers see. */
  private currentRevision: number;
  private committedRevision: number;
  private compacted: number;
  private pendingEvents: StoreEvent[] = [];
  /** Set when a sync failed: the content of the disk is unknown from then on, so the store refuses every request. */
  private failure: AppError | undefined;
  private closing = false;
  private readonly sql: Statements;
  private readonly claimTable: ClaimTable;
  private readonly hub = new WatchHub((prefix, after, limit) => this.history(prefix, after, limit));
  private readonly commits = new GroupCommit<Write>({
    commit: (writes) => this.commit(writes),
    sync: () => this.sync(),
    onDurable: () => {
      this.keeper.writeWorked();
      this.publish();
    },
    onFailure: (writes, error, committed) => this.fail(writes, error, committed),
  });

  private readonly keeper: FileKeeper;

  private constructor(
    private readonly db: DatabaseSync,
    private readonly path: string,
    private readonly walFd: number,
    private readonly options: SqliteOptions,
  ) {
    const { log, clock } = options;
    this.keeper = new FileKeeper({ path, log, clock, tryWrite: () => this.tryWrite() });
    this.sql = prepareStatements(db);
    this.claimTable = new ClaimTable(this.sql);
    this.compacted = Number(this.sql.compacted.get()![0]);
    const newest = Number(this.sql.newest.get()![0]);
    this.currentRevision = Math.max(newest, this.compacted);
    this.committedRevision = this.currentRevision;
  }

  /** @throws Unsupported, Unavailable; see openStore */
  static async open(path: string, options: SqliteOptions): Promise<SqliteStore> {
    const db = openDatabase(path);
    if (options.erases) db.exec('PRAGMA secure_delete = ON');
    try {
      // In WAL mode every commit is an append to this file, which exists as long as the connection.
      const walFd = await promisify(open)(`${path}-wal`, 'r+');
      await rewriteLog(walFd);
      const store = new SqliteStore(db, path, walFd, options);
      await store.sync();
      await store.keeper.start();
      return store;
    } catch (error) {
      db.close();
      throw translate(error, path);
    }
  }

  get ended(): AbortSignal {
    return this.keeper.ended;
  }

  problem(): string | undefined {
    return this.keeper.problem();
  }

  async revision(): Promise<number> {
    return this.currentRevision;
  }

  async get(key: string): Promise<StoredValue | undefined> {
    return this.read(() => {
      const row = this.sql.get.get(key, this.currentRevision) as unknown as
        | [number, number, number, Uint8Array]
        | undefined;
      if (!row || row[2] === 1) return undefined;
      return { key, value: toBuffer(row[3]), modRevision: row[0] };
    });
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const { revision = this.currentRevision, limit, after = '' } = options;
    if (revision > this.currentRevision) throw new BadRequest(`revision ${revision} is in the future`);
    if (revision < this.compacted) throw new Expired(`revision ${revision} has been compacted`);
    return this.read(() => {
      const pageSize = limit === undefined ? -1 : limit + 1;
      const isWithin = after !== '' && after >= prefix;
      const statement = isWithin ? this.sql.rangeAfter : this.sql.range;
      const bounds = [isWithin ? after : prefix, endOf(prefix), revision, revision, pageSize] as const;
      const rows = statement.all(...bounds) as unknown as [string, number, number, Uint8Array][];
      const more = limit !== undefined && rows.length > limit;
      if (more) rows.pop();
      const items = rows.map(([key, modRevision, , value]) => {
        return { key, value: toBuffer(value), modRevision };
      });
      return { items, revision, more };
    });
  }

  create(key: string, value: Buffer, claims?: Claims, together?: readonly Together[]): Promise<number> {
    return this.write({ verb: 'create', key, value, expectedRevision: undefined, claims, together });
  }

  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together?: readonly Together[],
  ): Promise<number> {
    return this.write({ verb: 'update', key, value, expectedRevision, claims, together });
  }

  delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<number> {
    return this.write({ ...bare, verb: 'delete', key, expectedRevision, together });
  }

  async adopt(key: string, claims: Claims, expectedRevision: number): Promise<void> {
    await this.write({ ...bare, verb: 'adopt', key, expectedRevision, claims, together: undefined });
  }

  async claims(): Promise<readonly HeldClaim[]> {
    return this.read(() => this.claimTable.all());
  }

  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    this.checkUsable();
    return this.hub.watch(prefix, afterRevision, signal);
  }

  async compact(revision: number): Promise<void> {
    const target = Math.min(revision, this.currentRevision);
    while (this.compacted < target) {
      this.read(() => this.compactTo(Math.min(target, this.compacted + compactionStep)));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.read(() => this.db.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`));
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    await this.keeper.close();
    await this.commits.idle();
    // Closing copies the log into the database. What the disk has of the log after a failed sync is unknown, so it stays as it is:
    // the next start reads it with its checksums.
    if (this.failure) return;
    this.db.close();
    await promisify(close)(this.walFd);
  }

  private write(write: Omit<Write, 'resolve' | 'reject'>): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      this.checkUsable();
      const refusal = this.keeper.refusal();
      if (refusal !== undefined) throw new StoreUnavailable(refusal);
      this.commits.add({ ...write, resolve, reject });
    });
  }

  private checkUsable(): void {
    if (this.failure) throw this.failure;
    if (this.closing) throw new Unavailable('the store is closed');
  }

  private read<T>(fn: () => T): T {
    this.checkUsable();
    try {
      return fn();
    } catch (error) {
      throw error instanceof AppError ? error : translate(error, this.path);
    }
  }

  private commit(writes: readonly Write[]): (() => void)[] {
    // A write that waited while a sync failed: the kernel reports a failure once, so the next sync would succeed without the lost pages.
    if (this.failure) throw this.failure;
    const events: StoreEvent[] = [];
    let revision = this.committedRevision;
    const within = { sql: this.sql, claimTable: this.claimTable, compacted: this.compacted };
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const answers = writes.map((write) => {
        const done = executeWrite(within, write, revision + 1);
        if (done instanceof AppError) return () => write.reject(done);
        const [first] = done;
        if (!first) return () => write.resolve(write.expectedRevision ?? 0);
        revision += done.length;
        events.push(...done);
        return () => write.resolve(first.revision);
      });
      this.db.exec('COMMIT');
      this.committedRevision = revision;
      this.pendingEvents = events;
      return answers;
    } catch (error) {
      // A failed COMMIT may have rolled back already.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  private valueAt(revision: number): Buffer {
    const row = this.sql.value.get(revision);
    return row ? toBuffer(row[0] as unknown as Uint8Array) : empty;
  }

  private sync(): Promise<void> {
    return (this.options.sync ?? syncData)(this.walFd);
  }

  /** Changes nothing. A full disk can have room in the files: the log begins again where all of it is in the database. */
  private async tryWrite(): Promise<void> {
    this.read(() => this.db.exec('PRAGMA wal_checkpoint(PASSIVE)'));
    await this.write({ ...bare, verb: 'try', key: '', expectedRevision: undefined, together: undefined });
  }

  private async copyTo(path: string): Promise<void> {
    this.checkUsable();
    await copyInto(this.db, path);
    this.checkUsable();
  }

  private async giveBack(): Promise<void> {
    for (let free = 1; free > 0; ) {
      free = this.read(() => {
        this.db.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
        return pragma(this.db, 'freelist_count');
      });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The database has this many bytes when its log is empty. */
  private size(): number {
    return pragma(this.db, 'page_count') * pragma(this.db, 'page_size');
  }

  private publish(): void {
    this.currentRevision = this.committedRevision;
    const events = this.pendingEvents;
    this.pendingEvents = [];
    this.hub.publish(events);
  }

  private fail(writes: readonly Write[], cause: unknown, committed: boolean): void {
    if (this.failure) {
      for (const write of writes) write.reject(this.failure);
      return;
    }
    this.keeper.writeFailed(cause, committed);
    const error = new StoreUnavailable(`the store takes no writes: ${this.keeper.problem()}`, { cause });
    if (committed) this.failure = error;
    for (const write of writes) write.reject(error);
  }

  private compactTo(target: number): void {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      this.sql.dropSuperseded.run(this.compacted, target);
      this.sql.dropDeletions.run(this.compacted, target);
      this.sql.setCompacted.run(target);
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
    this.compacted = target;
  }

  private history(prefix: string, after: number, limit: number): HistoryPage {
    if (after < this.compacted) throw new Expired(`revision ${after} has been compacted`);
    const upTo = this.currentRevision;
    return this.read(() => {
      const rows = this.sql.history.all(after, upTo, prefix, endOf(prefix), limit) as unknown as LogRow[];
      const events = rows.map((row) => this.toEvent(row));
      const more = events.length === limit;
      return { events, upTo: more ? events.at(-1)!.revision : upTo, more };
    });
  }

  private toEvent([revision, key, , previousRevision, deleted, bytes]: LogRow): StoreEvent {
    const previous = previousRevision === 0 ? undefined : this.valueAt(previousRevision);
    if (deleted === 1) return { type: 'delete', key, revision, value: previous ?? empty, previous };
    const value = toBuffer(bytes);
    return previous ? { type: 'put', key, revision, value, previous } : { type: 'put', key, revision, value };
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** The first key after all keys with this prefix. */
function endOf(prefix: string): string {
  if (prefix === '') return '\u{10ffff}';
  const last = prefix.length - 1;
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}
