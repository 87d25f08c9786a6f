// Sizes of whole file systems, and the names of block devices.
import { readFile, stat, statfs } from 'node:fs/promises';
import type { FileSystemSample } from './samples';

/** The kernel's number of a device in the two parts that files show. Source: makedev(3). */
const deviceNumber = (dev: number): string => {
  const [high, low] = [Math.floor(dev / 2 ** 32), dev % 2 ** 32];
  const major = ((low >>> 8) & 0xfff) | (high & ~0xfff);
  const minor = (low & 0xff) | ((low >>> 12) & ~0xff);
  return `${major}:${minor}`;
};

/** What is mounted from the device with this number; '' when no line has it. Pure. */
export function sourceOf(mountinfo: string, device: string): string {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ');
    if (mount.split(' ')[2] === device) return source.split(' ')[1] ?? '';
  }
  return '';
}

export class FileSystems {
  private readonly sources = new Map<string, string>();
  private readonly devices = new Map<string, string>();

  /** The file system that has this path. Undefined when there is no such path. */
  async of(path: string): Promise<FileSystemSample | undefined> {
    try {
      const [sizes, { dev }] = await Promise.all([statfs(path), stat(path)]);
      return {
        atMs: Date.now(),
        device: await this.source(deviceNumber(dev)),
        capacityBytes: sizes.blocks * sizes.bsize,
        availableBytes: sizes.bavail * sizes.bsize,
        usedBytes: (sizes.blocks - sizes.bfree) * sizes.bsize,
        inodes: sizes.files,
        inodesFree: sizes.ffree,
      };
    } catch {
      return undefined;
    }
  }

  private async source(device: string): Promise<string> {
    const known = this.sources.get(device);
    if (known !== undefined) return known;
    const source = sourceOf(await readFile('/proc/self/mountinfo', 'utf8'), device);
    this.sources.set(device, source);
    return source;
  }

  /** Such as /dev/vda; '' for a device that the kernel no longer has. */
  async deviceName(major: number, minor: number): Promise<string> {
    const key = `${major}:${minor}`;
    const known = this.devices.get(key);
    if (known !== undefined) return known;
    const text = await readFile(`/sys/dev/block/${key}/uevent`, 'utf8').catch(() => '');
    const name = /^DEVNAME=(.*)$/m.exec(text)?.[1];
    const path = name === undefined ? '' : `/dev/${name}`;
    this.devices.set(key, path);
    return path;
  }
}
