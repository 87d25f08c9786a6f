// Parts of volumes that containers mount by subPath. The kubelet opens the part without following links out of the volume, bind-mounts the
// open file or folder at another path, and gives that path to the runtime. So a container that swaps folders and links in the volume
// changes nothing. The paths are those of upstream's kubelet: POD/volume-subpaths/VOLUME/CONTAINER/INDEX.
import { lstat, mkdir, readdir, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBeneath } from '../../../dataplane/mount/beneath';
import type { Mounts } from '../../../dataplane/mount/mounts';

export interface DesiredSubPath {
  readonly podDir: string;
  readonly volume: string;
  readonly container: string;
  /** Index of the mount in the container's list. */
  readonly index: number;
  /** Host path of the volume's content. */
  readonly root: string;
  readonly subPath: string;
}

const folderName = 'volume-subpaths';
const folderMode = 0o750;
const permissionBits = 0o7777;

export class SubPaths {
  constructor(private readonly mounts: Mounts) {}

  /**
   * Resolves to the path for the runtime. Creates missing folders with the mode of the volume. Replaces the mount of an earlier container
   * at this path, so that this container sees the current content; the earlier container keeps its mount.
   * @throws what openBeneath throws
   */
  async bind({ podDir, volume, container, index, root, subPath }: DesiredSubPath): Promise<string> {
    const createMode = (await stat(root)).mode & permissionBits;
    const held = await openBeneath(root, subPath, { createMode });
    try {
      const parent = join(podDir, folderName, volume, container);
      const place = join(parent, String(index));
      await this.removePlace(place);
      await mkdir(parent, { recursive: true, mode: folderMode });
      if ((await held.stat()).isDirectory()) await mkdir(place, { mode: folderMode });
      else await writeFile(place, '', { mode: 0o640, flag: 'wx' });
      await this.mounts.bind(held, place);
      return place;
    } finally {
      await held.close();
    }
  }

  /** Removes all paths of a pod. Repeatable. Deletes only files and empty folders, in case a mount is left. */
  async remove(podDir: string): Promise<void> {
    await this.removeLevel(join(podDir, folderName), ['volume', 'container', 'index']);
  }

  private async removeLevel(path: string, [below, ...rest]: readonly string[]): Promise<void> {
    if (below === undefined) return this.removePlace(path);
    const names = (await readdir(path).catch(ifMissing)) ?? [];
    for (const name of names) await this.removeLevel(join(path, name), rest);
    await rmdir(path).catch(ifMissing);
  }

  private async removePlace(path: string): Promise<void> {
    await this.mounts.detach(path);
    const info = await lstat(path).catch(ifMissing);
    // A path that is still mounted is busy: neither call deletes the mounted content.
    if (info) await (info.isDirectory() ? rmdir(path) : unlink(path));
  }
}

function ifMissing(err: unknown): undefined {
  if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw err;
}
