// Mounts that are only written down: the files of a test stay where they are.
import type { FileHandle } from 'node:fs/promises';
import { readlink } from 'node:fs/promises';
import { pathOfHeld } from '../../dataplane/mount/beneath';
import type { MountEntry } from '../../dataplane/mount/mount-table';
import type { Mounts, PointOption, TmpfsOptions } from '../../dataplane/mount/mounts';

export class FakeMounts implements Mounts {
  readonly entries: MountEntry[] = [];
  /** The options of each tmpfs. */
  readonly tmpfs: TmpfsOptions[] = [];

  async ensureTmpfs(path: string, options: TmpfsOptions): Promise<void> {
    this.tmpfs.push(options);
    this.add(path, { type: 'tmpfs', source: 'tmpfs' });
  }

  async ensureHugePages(path: string, { pageBytes }: { readonly mode: number; readonly pageBytes: number }) {
    this.add(path, { type: 'hugetlbfs', source: String(pageBytes) });
  }

  async ensureLayers(path: string, layers: readonly string[]): Promise<void> {
    this.add(path, { type: 'overlay', source: layers.join(':') });
  }

  async bind(source: FileHandle, target: string): Promise<void> {
    this.add(target, { root: await readlink(pathOfHeld(source)) });
  }

  async ensureBind(source: FileHandle, target: string, options: readonly PointOption[]): Promise<void> {
    if (!(await this.at(target))) this.add(target, { root: await readlink(pathOfHeld(source)), options });
  }

  async ensureShared(): Promise<void> {}

  add(point: string, entry: Partial<MountEntry>): void {
    this.entries.push({ device: '8:1', root: '/', options: [], type: 'ext4', source: '/dev/sda1', ...entry, point });
  }

  async at(path: string): Promise<MountEntry | undefined> {
    return this.entries.findLast(({ point }) => point === path);
  }

  async table(): Promise<readonly MountEntry[]> {
    return [...this.entries];
  }

  async detach(path: string): Promise<void> {
    this.remove((point) => point === path);
  }

  async detachBelow(path: string): Promise<void> {
    this.remove((point) => point === path || point.startsWith(`${path}/`));
  }

  private remove(test: (point: string) => boolean): void {
    const kept = this.entries.filter(({ point }) => !test(point));
    this.entries.splice(0, this.entries.length, ...kept);
  }
}
