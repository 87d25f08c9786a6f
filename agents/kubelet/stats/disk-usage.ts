// What folders use of their disk. Counting takes the longer the more files a container wrote, so:
// 1. a count is kept for a minute, and for ten times as long as it took: counting takes a tenth of the time at most;
// 2. few counts run at once, in small steps;
// 3. a caller waits for a bounded time. After it the caller gets the last count, if there is one.
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../controlplane/base/clock';
import { Limiter } from '../../../controlplane/base/limiter';
import type { DiskUse } from './samples';

const keptMs = 60_000;
const restFactor = 10;
const atOnce = 2;
const longestWaitMs = 5_000;
/** Of files with several names so many are remembered; further ones count once for each name. */
const mostLinked = 100_000;

interface Count {
  readonly use: DiskUse | undefined;
  readonly staleAtMs: number;
}

export class DiskUsage {
  private readonly counts = new Map<string, Count>();
  private readonly running = new Map<string, Promise<void>>();
  private readonly limiter = new Limiter(atOnce);

  constructor(
    private readonly clock: Clock,
    private readonly count: (dir: string) => Promise<DiskUse | undefined> = countTree,
  ) {}

  /** Blocks and inodes of the folder and all below it on the same file system. Undefined: no such folder, or not counted in time. */
  async of(dir: string): Promise<DiskUse | undefined> {
    const known = this.counts.get(dir);
    if (known && known.staleAtMs > this.clock.now()) return known.use;
    const counting = this.running.get(dir) ?? this.start(dir);
    const late = new AbortController();
    await Promise.race([counting, this.clock.sleep(longestWaitMs, late.signal).catch(() => {})]);
    late.abort(new Error('the folder is counted'));
    return this.counts.get(dir)?.use;
  }

  /** Forgets the folders that are not among these: those of containers that are gone. */
  keepOnly(dirs: ReadonlySet<string>): void {
    for (const dir of this.counts.keys()) if (!dirs.has(dir)) this.counts.delete(dir);
  }

  private start(dir: string): Promise<void> {
    const counting = this.limiter
      .run(async () => {
        const startedAt = this.clock.now();
        const use = await this.count(dir);
        const now = this.clock.now();
        this.counts.set(dir, { use, staleAtMs: now + Math.max(keptMs, (now - startedAt) * restFactor) });
      })
      .finally(() => this.running.delete(dir));
    this.running.set(dir, counting);
    return counting;
  }
}

const sectorBytes = 512;

/** Undefined when the folder does not exist. Files that appear or disappear meanwhile count or not. */
export async function countTree(dir: string): Promise<DiskUse | undefined> {
  const root = await lstat(dir).catch(() => undefined);
  if (!root) return undefined;
  const linked = new Set<number>();
  let [bytes, inodes] = [root.blocks * sectorBytes, 1];
  const dirs = [dir];
  for (let next = dirs.pop(); next !== undefined; next = dirs.pop()) {
    const entries = await opendir(next).catch(() => undefined);
    if (!entries) continue;
    for await (const { name } of entries) {
      const path = join(next, name);
      const found = await lstat(path).catch(() => undefined);
      if (!found || found.dev !== root.dev || linked.has(found.ino)) continue;
      bytes += found.blocks * sectorBytes;
      inodes++;
      if (found.isDirectory()) dirs.push(path);
      // A file with several names has its blocks once.
      else if (found.nlink > 1 && linked.size < mostLinked) linked.add(found.ino);
    }
  }
  return { bytes, inodes };
}
