// Facts about the machine: cores, memory, kernel, identity. Reads /proc and /etc once.
import { readdir, readFile } from 'node:fs/promises';
import { arch, cpus, release } from 'node:os';
import { join } from 'node:path';
import { formatQuantity } from '../../../controlplane/api/quantity';
import type { Amounts } from './reservations';

export interface MachineFacts {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Bytes of huge pages, by resource: {"hugepages-2Mi": "0"}. */
  readonly hugePages: Amounts;
  readonly machineId: string;
  readonly bootId: string;
  readonly systemUuid: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** Go's name: amd64, arm64. */
  readonly architecture: string;
  /** The kernel enforces AppArmor profiles. */
  readonly hasAppArmor: boolean;
  /** The lowest oom_score_adj that the kernel takes from this process, and so from Docker, which has the same capabilities. */
  readonly lowestOomScore: number;
}

const goArchitectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

export async function readMachineFacts(): Promise<MachineFacts> {
  const read = (path: string) =>
    readFile(path, 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  const [memory, machineId, bootId, systemUuid, osRelease, hugePages, appArmor, status] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    read('/etc/machine-id'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/etc/os-release'),
    readHugePages(),
    read('/sys/module/apparmor/parameters/enabled'),
    read('/proc/self/status'),
  ]);
  return {
    cores: cpus().length,
    memoryBytes: parseMemTotal(memory),
    hugePages,
    hasAppArmor: appArmor.startsWith('Y'),
    lowestOomScore: parseLowestOomScore(status),
    machineId,
    bootId,
    systemUuid: systemUuid || machineId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: goArchitectures[arch()] ?? arch(),
  };
}

/** Bit of CAP_SYS_RESOURCE. Source: linux/capability.h; without it the kernel refuses to lower a score below that of the process. */
const sysResource = 1n << 24n;

/** `status`: /proc/self/status. */
export function parseLowestOomScore(status: string): number {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & sysResource) === 0n ? 0 : -1000;
}

const hugePagesDir = '/sys/kernel/mm/hugepages';

/** A folder for each page size that the kernel offers. Source: Linux admin-guide/mm/hugetlbpage. */
async function readHugePages(): Promise<Amounts> {
  const folders = await readdir(hugePagesDir).catch(() => []);
  const found: Record<string, string> = {};
  for (const folder of folders) {
    const kibibytes = BigInt(/^hugepages-(\d+)kB$/.exec(folder)?.[1] ?? 0);
    const text = (kib: bigint) => formatQuantity({ nano: kib * 1024n * 1_000_000_000n, format: 'BinarySI' });
    const pages = await readFile(join(hugePagesDir, folder, 'nr_hugepages'), 'utf8').catch(() => '0');
    if (kibibytes > 0n) found[`hugepages-${text(kibibytes)}`] = text(kibibytes * BigInt(pages.trim()));
  }
  return found;
}

export function parseMemTotal(meminfo: string): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
}
