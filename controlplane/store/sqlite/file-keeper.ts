// Watches over the file of an open store: says in a few words why it takes no writes, logs each trouble once, and finds out by
// itself when the trouble is over.
//
//   a transaction failed (full disk, read-only)   the writes were refused, nothing has changed; trial writes show when it is over
//   the file was removed or replaced              writes are refused, since no restart would find them; reads go on. Over when it is back
//   a sync failed                                 the content of the disk is unknown: the store ends (`ended`)
import { stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import type { Logger } from '../../base/logger';

/** How often the file is looked at, and how often a trial write is made after a failed one. */
export const lookMs = 2_000;

export interface KeeperDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Writes something without effect and makes it durable; may first make room in the files. */
  readonly tryWrite: () => Promise<void>;
}

/** Which file a path names. */
type Identity = string;

export class FileKeeper {
  private failed: string | undefined;
  private lost = false;
  private readonly stop = new AbortController();
  private readonly end = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly deps: KeeperDeps) {}

  get ended(): AbortSignal {
    return this.end.signal;
  }

  /** Undefined while writes work. */
  problem(): string | undefined {
    if (this.end.signal.aborted) return 'a write could not be made durable';
    return this.lost ? removedText : this.failed;
  }

  /** Why a write must not even be tried. */
  refusal(): string | undefined {
    return this.lost ? `the store takes no writes: ${removedText}` : undefined;
  }

  /** Begins to look at the file. Resolves when it is known which one it is. */
  async start(): Promise<void> {
    const identity = await identify(this.deps.path);
    this.running = this.run(identity);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** A transaction or, if `synced`, its sync has failed. */
  writeFailed(error: unknown, synced: boolean): void {
    const { log, path } = this.deps;
    if (synced) {
      if (this.end.signal.aborted) return;
      log.error('the store ends: a write could not be made durable', { path, error: describeError(error) });
      this.end.abort();
      return;
    }
    const text = describe(error);
    if (text !== this.failed)
      log.error('the store refuses writes', { path, problem: text, error: describeError(error) });
    this.failed = text;
  }

  writeWorked(): void {
    if (this.failed === undefined) return;
    this.deps.log.info('the store takes writes again', { path: this.deps.path, after: this.failed });
    this.failed = undefined;
  }

  private async run(identity: Identity): Promise<void> {
    const { clock, tryWrite } = this.deps;
    while (!this.stop.signal.aborted && !this.end.signal.aborted) {
      await clock.sleep(lookMs, this.stop.signal).catch(() => undefined);
      if (this.stop.signal.aborted) return;
      await this.look(identity);
      if (this.failed !== undefined) await tryWrite().catch(() => undefined);
    }
  }

  private async look(identity: Identity): Promise<void> {
    const { path, log } = this.deps;
    const lost = (await identify(path)) !== identity;
    if (lost === this.lost) return;
    this.lost = lost;
    if (lost) {
      log.error('the store refuses writes: its file was removed or replaced; it still has the content for a backup', {
        path,
      });
    } else log.info('the file of the store is back', { path });
  }
}

const removedText = 'its file was removed or replaced';

async function identify(path: string): Promise<Identity> {
  const parts = [path, `${path}-wal`].map(async (file) => {
    const found = await stat(file).catch(() => undefined);
    return found ? `${found.dev}:${found.ino}` : 'none';
  });
  return (await Promise.all(parts)).join(' ');
}

/** For everyone who asks /readyz: names no path. */
function describe(error: unknown): string {
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string };
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  if (primary === sqliteFull || code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full';
  if (primary === sqliteReadOnly || code === 'EROFS') return 'the file or its file system is read-only';
  return 'the disk reports errors';
}
const sqliteFull = 13;
const sqliteReadOnly = 8;
