// The last state of an informer in a file, for the agents whose work must go on when they start while no API server can be reached.
// The file has one object on each line, so that neither writing nor reading holds the event loop.
//
// Its promises:
//   1. read() returns only a complete state that a living process kept up to date until at most `maxAgeMs` ago.
//   2. keep() writes a change within `writeMs`, or later where writing takes long: it uses at most a fiftieth of the time.
//   3. A state that came from a file is not written again before the API server has been asked, but its age starts again: the process
//      works by it.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KindRef } from '../api/kind';
import { type KubeObject, objectKey } from '../api/types';
import { type Clock, systemClock } from '../base/clock';
import type { Logger } from '../base/logger';

/** A process that was killed starts again within seconds, a machine within minutes. Later, addresses may belong to other pods. */
export const maxAgeMs = 10 * 60_000;
export const writeMs = 5_000;
/** The age of the file starts again at least this often. */
const touchMs = 60_000;
/** Writing takes at most this share of the time. */
const share = 1 / 50;
/** So many objects between two visits of the event loop, about 2 ms. */
const batch = 200;
const head = 'k8ts-kept-copy 1';

/** What keep() writes. */
export interface KeptSource<T> {
  list(): readonly T[];
  /** 0 before the first answer of the API server. */
  readonly revision: number;
  /** The process works by these objects, whether they came from the API server or from the file. */
  readonly hasSynced: boolean;
  onChange(handler: () => void): void;
}

export class KeptCopy<T extends KubeObject> {
  constructor(
    private readonly file: string,
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** undefined without a file, and for one that is too old or not complete. Never throws. */
  async read(): Promise<ReadonlyMap<string, T> | undefined> {
    try {
      const age = this.clock.now() - (await stat(this.file)).mtimeMs;
      if (age > maxAgeMs) {
        this.log.warn('the kept state is too old to be used', { file: this.file, ageMs: Math.round(age) });
        return undefined;
      }
      const lines = (await readFile(this.file, 'utf8')).split('\n');
      const count = Number(lines[0]?.slice(head.length));
      if (!lines[0]?.startsWith(`${head} `) || lines.length !== count + 2) throw new Error('not complete');
      const objects = new Map<string, T>();
      for (let i = 1; i <= count; i++) {
        const object = JSON.parse(lines[i]!) as T;
        objects.set(objectKey(object), object);
        if (i % batch === 0) await nextTurn();
      }
      return objects;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.log.warn('the kept state cannot be read', { file: this.file, error });
      }
      return undefined;
    }
  }

  /** Writes the source's objects after each change, until the signal. Never throws: without the file the agent works as well. */
  async keep(source: KeptSource<T>, signal: AbortSignal): Promise<void> {
    let changes = 1;
    let written = 0;
    let renewedAt = Number.NEGATIVE_INFINITY;
    source.onChange(() => changes++);
    while (!signal.aborted) {
      const startedAt = this.clock.now();
      let pauseMs = writeMs;
      try {
        if (written !== changes && source.revision > 0) {
          const count = changes;
          await this.write(source.list());
          written = count;
          renewedAt = this.clock.now();
          pauseMs = Math.max(writeMs, (renewedAt - startedAt) / share);
        } else if (source.hasSynced && startedAt - renewedAt >= touchMs) {
          await this.touch();
          renewedAt = startedAt;
        }
      } catch (error) {
        this.log.warn('the state cannot be kept', { file: this.file, error });
      }
      await this.clock.sleep(pauseMs, signal).catch((err: unknown) => {
        if (!signal.aborted) throw err;
      });
    }
  }

  /** Objects may hold what only this agent may read (the environment of pods), so the file is private. */
  private async write(objects: readonly T[]): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    const temporary = `${this.file}.${randomUUID()}.tmp`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.write(`${head} ${objects.length}\n`);
        for (let at = 0; at < objects.length; at += batch) {
          const lines = objects.slice(at, at + batch).map((object) => `${JSON.stringify(object)}\n`);
          await file.write(lines.join(''));
        }
      } finally {
        await file.close();
      }
      await chmod(temporary, 0o600);
      await rename(temporary, this.file);
    } catch (err) {
      await rm(temporary, { force: true });
      throw err;
    }
  }

  private async touch(): Promise<void> {
    const now = new Date(this.clock.now());
    await utimes(this.file, now, now).catch((err: unknown) => {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
    });
  }
}

/** The option of an informer that keeps its objects in this folder, one file for each kind; none without a folder. */
export const keptIn = <T extends KubeObject>(
  dir: string,
  { plural }: KindRef<T>,
  log: Logger,
): { readonly file?: KeptCopy<T> } =>
  dir === '' ? {} : { file: new KeptCopy<T>(join(dir, `${plural}.jsonl`), log, systemClock) };
