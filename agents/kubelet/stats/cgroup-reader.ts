// Reads cgroups of v1 and v2 from their files, each time that it is asked.
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CgroupPaths,
  folderOf,
  type Hierarchies,
  parseCgroupPaths,
  parseHierarchies,
  unified,
} from './cgroup-places';
import { sampleV1, v1Files } from './cgroup-v1';
import { sampleV2, v2Files } from './cgroup-v2';
import type { CgroupSample } from './samples';

/** `few`: CPU time and memory with its limits; `all`: everything. */
export type Detail = 'few' | 'all';

/** What reads cgroups; a test has its own. */
export interface Cgroups {
  /** The groups of a process. Undefined when it has ended. */
  pathsOf(pid: number | 'self'): Promise<CgroupPaths | undefined>;
  /** Undefined when the group does not exist. */
  sample(paths: CgroupPaths, detail: Detail): Promise<CgroupSample | undefined>;
  /** The processes of the group and of the groups below it. */
  processes(paths: CgroupPaths): Promise<readonly number[]>;
}

/** Groups below a container's group are looked at to this depth and number. */
const deepest = 5;
const mostGroups = 200;

export class CgroupReader implements Cgroups {
  private constructor(
    private readonly hierarchies: Hierarchies,
    /** Whether v2 has the controller of memory: in hybrid mode v1 has it. */
    private readonly isV2: boolean,
    private readonly proc: string,
  ) {}

  /** `proc` is /proc, or a folder of a test. */
  static async open(proc = '/proc'): Promise<CgroupReader> {
    const hierarchies = parseHierarchies(await readFile(`${proc}/self/mountinfo`, 'utf8'));
    return new CgroupReader(hierarchies, !hierarchies.has('memory') && hierarchies.has(unified), proc);
  }

  async pathsOf(pid: number | 'self'): Promise<CgroupPaths | undefined> {
    const text = await read(`${this.proc}/${pid}/cgroup`);
    return text === undefined ? undefined : parseCgroupPaths(text);
  }

  async sample(paths: CgroupPaths, detail: Detail): Promise<CgroupSample | undefined> {
    const atMs = Date.now();
    return this.isV2 ? this.sampleV2(paths, detail, atMs) : this.sampleV1(paths, detail, atMs);
  }

  private async sampleV1(paths: CgroupPaths, detail: Detail, atMs: number): Promise<CgroupSample | undefined> {
    const found: Record<string, string | undefined> = {};
    const reads = Object.entries(v1Files).map(async ([controller, { few, all }]) => {
      const dir = this.folder(paths, controller);
      if (dir === undefined) return;
      await readInto(found, dir, detail === 'all' ? [...few, ...all] : few);
    });
    await Promise.all(reads);
    const exists = found['cpuacct.usage'] !== undefined || found['memory.usage_in_bytes'] !== undefined;
    if (!exists) return undefined;
    return { ...sampleV1(found, atMs), ...(await this.counted(paths, detail)) };
  }

  private async sampleV2(paths: CgroupPaths, detail: Detail, atMs: number): Promise<CgroupSample | undefined> {
    const dir = this.folder(paths, unified);
    if (dir === undefined) return undefined;
    const found: Record<string, string | undefined> = {};
    await readInto(found, dir, detail === 'all' ? [...v2Files.few, ...v2Files.all] : v2Files.few);
    if (found['cpu.stat'] === undefined) return undefined;
    const meminfo = found['memory.current'] === undefined ? await read(`${this.proc}/meminfo`) : undefined;
    return { ...sampleV2(found, atMs, meminfo), ...(await this.counted(paths, detail)) };
  }

  private async counted(paths: CgroupPaths, detail: Detail): Promise<{ readonly processes?: number }> {
    return detail === 'all' ? { processes: (await this.processes(paths)).length } : {};
  }

  async processes(paths: CgroupPaths): Promise<readonly number[]> {
    const dir = this.folder(paths, this.isV2 ? unified : 'memory');
    if (dir === undefined) return [];
    const pids: number[] = [];
    let dirs = [dir];
    let groups = 0;
    for (let depth = 0; depth < deepest && dirs.length > 0; depth++) {
      const below: string[] = [];
      for (const each of dirs) {
        if (++groups > mostGroups) return pids;
        const text = await read(join(each, 'cgroup.procs'));
        for (const line of text?.split('\n') ?? []) if (line !== '') pids.push(Number(line));
        below.push(...(await foldersIn(each)));
      }
      dirs = below;
    }
    return pids;
  }

  private folder(paths: CgroupPaths, controller: string): string | undefined {
    const hierarchy = this.hierarchies.get(controller);
    const path = paths.get(controller);
    return hierarchy === undefined || path === undefined ? undefined : folderOf(hierarchy, path);
  }
}

async function readInto(
  found: Record<string, string | undefined>,
  dir: string,
  names: readonly string[],
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      found[name] = await read(join(dir, name));
    }),
  );
}

/** A group may end while it is read, and a kernel may lack a file: both are an absent text. */
const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** A folder of a cgroup has two links, and one more for each folder in it: most have none, and need no listing. */
async function foldersIn(dir: string): Promise<readonly string[]> {
  try {
    if ((await lstat(dir)).nlink <= 2) return [];
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
  } catch {
    return [];
  }
}
