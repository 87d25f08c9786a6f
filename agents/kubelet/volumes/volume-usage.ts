// What the volumes of pods use of their disks, for /stats/summary, /metrics and the limits of emptyDir. A file system whose server does not
// answer delays one question for a bounded time, and holds one call to it at most.
import { statfs } from 'node:fs/promises';
import type { Clock } from '../../../controlplane/base/clock';
import type { RemoteFileSystems } from '../../../dataplane/mount/remote';
import type { DiskUsage } from '../stats/disk-usage';
import type { VolumeUse } from '../stats/node-sample';
import type { DiskUse } from '../stats/samples';
import type { Volume } from './payload';
import type { Content } from './plugins/plugin';

interface MountedVolume {
  readonly volume: Volume;
  readonly content: Content;
  readonly path: string;
  readonly claim?: NonNullable<VolumeUse['claim']>;
}

const pathOf = ({ path }: MountedVolume): string => path;
const longestWaitMs = 5_000;

export interface FileSystem {
  readonly size: NonNullable<VolumeUse['size']>;
  readonly used: DiskUse;
}

export class VolumeUsage {
  /** By the pod's UID, then by the volume's name. */
  private readonly mounted = new Map<string, Map<string, MountedVolume>>();
  private readonly asked = new Map<string, Promise<FileSystem | undefined>>();

  constructor(
    private readonly clock: Clock,
    private readonly files: Pick<DiskUsage, 'of' | 'keepOnly'>,
    private readonly ask: (path: string) => Promise<FileSystem | undefined>,
    /** `name`: of the PersistentVolume, or of an inline volume in its pod. */
    private readonly askDriver: (podUid: string, name: string) => Promise<FileSystem | undefined> = async () =>
      undefined,
  ) {}

  /** The volume is set up. */
  note(podUid: string, mounted: MountedVolume): void {
    if (mounted.content.measured === undefined) return;
    const volumes = this.mounted.get(podUid) ?? new Map<string, MountedVolume>();
    this.mounted.set(podUid, volumes.set(mounted.volume.name, mounted));
  }

  forget(podUid: string): void {
    this.mounted.delete(podUid);
    this.files.keepOnly(new Set([...this.mounted.values()].flatMap((volumes) => [...volumes.values()].map(pathOf))));
  }

  /** Volumes that could not be measured in time are missing. */
  async of(podUid: string, which?: 'claims'): Promise<readonly VolumeUse[]> {
    const all = [...(this.mounted.get(podUid)?.values() ?? [])];
    const volumes = which === 'claims' ? all.filter(({ claim }) => claim !== undefined) : all;
    const uses = await Promise.all(volumes.map((each) => this.measure(podUid, each)));
    return uses.filter((use) => use !== undefined);
  }

  private async measure(podUid: string, { volume, content, path, claim }: MountedVolume) {
    const name = content.name?.split('/')[0] ?? volume.name;
    const ask = () => (content.measured === 'driver' ? this.askDriver(podUid, name) : this.ask(path));
    const [system, files] = await Promise.all([
      this.fileSystem(path, ask),
      content.measured === 'files' ? this.files.of(path) : undefined,
    ]);
    const used = content.measured === 'files' ? files : system?.used;
    if (!used) return undefined;
    const use: VolumeUse = {
      name: volume.name,
      atMs: this.clock.now(),
      used,
      ephemeral: isEphemeral(volume),
      ...(system ? { size: system.size } : {}),
      ...(claim ? { claim } : {}),
    };
    return use;
  }

  private async fileSystem(path: string, ask: () => Promise<FileSystem | undefined>): Promise<FileSystem | undefined> {
    const asked = this.asked.get(path) ?? ask().finally(() => this.asked.delete(path));
    this.asked.set(path, asked);
    const late = new AbortController();
    const none = this.clock.sleep(longestWaitMs, late.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([asked, none]);
    } finally {
      late.abort(new Error('answered'));
    }
  }
}

/** On the node's disk and deleted with the pod, as upstream counts: the others are in memory or remain. */
const isEphemeral = ({ emptyDir, configMap }: Volume): boolean =>
  (emptyDir !== undefined && !emptyDir.medium) || configMap !== undefined;

/** Of one that a server holds, by a program: a call that does not return would hold a thread of this process. */
export async function fileSystemOf(
  path: string,
  remote: Pick<RemoteFileSystems, 'mountOf' | 'size'>,
): Promise<FileSystem | undefined> {
  const mount = await remote.mountOf(path);
  if (!mount) return statfs(path).then(useOf, () => undefined);
  const size = await remote.size(mount);
  if (!size) return undefined;
  const { blockBytes: bsize, blocks, freeBlocks: bfree, availableBlocks: bavail, inodes: files, freeInodes } = size;
  return useOf({ bsize, blocks, bfree, bavail, files, ffree: freeInodes });
}

type Found = Record<'bsize' | 'blocks' | 'bfree' | 'bavail' | 'files' | 'ffree', number>;

const useOf = ({ bsize, blocks, bfree, bavail, files, ffree }: Found): FileSystem => ({
  size: { capacityBytes: blocks * bsize, availableBytes: bavail * bsize, inodes: files, inodesFree: ffree },
  used: { bytes: (blocks - bfree) * bsize, inodes: files - ffree },
});
