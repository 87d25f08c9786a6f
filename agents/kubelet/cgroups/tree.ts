// The kernel's cgroup file system: makes, sets and removes groups in the one hierarchy of version 2, or in all hierarchies of version 1.
// Groups are named by their path from the root: /kubepods/burstable. Source: Linux cgroup-v1 and cgroup-v2.
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../../../controlplane/base/errors';
import { filesOf, type GroupSettings } from './settings';

const controllers = ['cpu', 'memory', 'pids'] as const;

export class CgroupTree {
  /** Groups of version 2 whose controllers are switched on. */
  private readonly enabled = new Set<string>();

  private constructor(
    readonly version: 1 | 2,
    /** Folders of all hierarchies: one for version 2. */
    private readonly tops: readonly string[],
    private readonly root: string,
  ) {}

  /** Undefined when there is no cgroup file system. */
  static async open(root = '/sys/fs/cgroup'): Promise<CgroupTree | undefined> {
    const entries = await readdir(root).catch((): string[] => []);
    if (entries.includes('cgroup.controllers')) return new CgroupTree(2, [root], root);
    // Names such as cpu and cpuacct may lead to one hierarchy, cpu,cpuacct.
    const tops = new Set<string>();
    for (const entry of entries) {
      const top = await realpath(join(root, entry));
      // Each hierarchy has this file. In the hybrid form the folder `unified` has version 2, but no controllers.
      const files = await readdir(top).catch((): string[] => []);
      if (files.includes('cgroup.procs')) tops.add(top);
    }
    return entries.includes('memory') ? new CgroupTree(1, [...tops], root) : undefined;
  }

  /**
   * Makes the group and those above it, with the controllers that limits need. Repeatable. Resolves to whether the group is new.
   * @throws when the kernel refuses
   */
  async ensure(group: string): Promise<boolean> {
    if (this.version === 1) {
      const dirs = controllers.map((controller) => join(this.root, controller, group));
      const made = await Promise.all(dirs.map((dir) => mkdir(dir, { recursive: true })));
      return !made.includes(undefined);
    }
    const names = group.split('/').filter((name) => name !== '');
    let isNew = false;
    for (let depth = 0; depth <= names.length; depth++) {
      const dir = join(this.root, ...names.slice(0, depth));
      if (this.enabled.has(dir)) continue;
      isNew = (await mkdir(dir, { recursive: true })) !== undefined;
      // A group's limits exist only when the group above has switched its controllers on. The last group needs none for itself, but the
      // containers below it do.
      await writeFile(join(dir, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
      this.enabled.add(dir);
    }
    return isNew;
  }

  /** Writes what differs from `before`, or everything. @throws Error that names the file which the kernel refused to change */
  async set(group: string, settings: GroupSettings, before?: GroupSettings): Promise<void> {
    for (const { controller, file, value } of filesOf(settings, this.version, before)) {
      const path = join(this.dirOf(controller, group), file);
      try {
        await writeFile(path, value);
      } catch (cause) {
        throw new Error(`cannot write ${value} to ${path}: ${describeError(cause)}`, { cause });
      }
    }
  }

  /**
   * Removes the group in every hierarchy, with the empty groups below it. Groups with processes stay: resolves to false then. Does
   * nothing when there is no such group.
   */
  async remove(group: string): Promise<boolean> {
    this.enabled.delete(join(this.root, group));
    const removed = await Promise.all(this.tops.map((top) => removeGroup(join(top, group))));
    return !removed.includes(false);
  }

  /** Names of the groups directly below this one, in any hierarchy. */
  async below(group: string): Promise<readonly string[]> {
    const found = await Promise.all(this.tops.map((top) => foldersOf(join(top, group))));
    return [...new Set(found.flat())];
  }

  /** The bytes that the group holds and the kernel cannot take back at once. Undefined when there is no such group. */
  async workingSetBytes(group: string): Promise<number | undefined> {
    const dir = this.dirOf('memory', group);
    const names =
      this.version === 2 ? ['memory.current', 'inactive_file'] : ['memory.usage_in_bytes', 'total_inactive_file'];
    try {
      const [usage, stat] = await Promise.all(
        [names[0]!, 'memory.stat'].map((file) => readFile(join(dir, file), 'utf8')),
      );
      const idle = Number(new RegExp(`^${names[1]} (\\d+)$`, 'm').exec(stat!)?.[1] ?? 0);
      return Math.max(0, Number(usage) - idle);
    } catch {
      return undefined;
    }
  }

  /** The bytes that the group holds, also those that the kernel can take back. Undefined when there is no such group. */
  async usageBytes(group: string): Promise<number | undefined> {
    const file = this.version === 2 ? 'memory.current' : 'memory.usage_in_bytes';
    const text = await readFile(join(this.dirOf('memory', group), file), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Number(text);
  }

  /** What the group may hold; Infinity without a limit. Undefined when there is no such group. */
  async memoryLimitBytes(group: string): Promise<number | undefined> {
    const file = this.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    const text = await readFile(join(this.dirOf('memory', group), file), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    return text.trim() === 'max' ? Number.POSITIVE_INFINITY : Number(text);
  }

  async processes(group: string): Promise<number | undefined> {
    const text = await readFile(join(this.dirOf('pids', group), 'pids.current'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Number(text);
  }

  /**
   * Up to a thousand processes of the group, without those of groups below it; empty when there is no such group. Does not wait: the
   * kernel answers from memory.
   */
  processesOf(group: string): readonly number[] {
    let file: number | undefined;
    try {
      file = openSync(join(this.dirOf('pids', group), 'cgroup.procs'), 'r');
      const buffer = Buffer.alloc(8192);
      const lines = buffer.toString('latin1', 0, readSync(file, buffer)).split('\n');
      // The last line may be cut.
      return lines.slice(0, -1).map(Number);
    } catch {
      return [];
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  private dirOf(controller: (typeof controllers)[number], group: string): string {
    return this.version === 2 ? join(this.root, group) : join(this.root, controller, group);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

async function foldersOf(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Most groups have none below them, so the group itself is tried first. */
async function removeGroup(dir: string): Promise<boolean> {
  try {
    await rmdir(dir);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    if (codeOf(error) !== 'EBUSY' && codeOf(error) !== 'ENOTEMPTY') throw error;
  }
  const children = await foldersOf(dir);
  if (children.length === 0) return false;
  const removed = await Promise.all(children.map((child) => removeGroup(join(dir, child))));
  return !removed.includes(false) && removeGroup(dir);
}
