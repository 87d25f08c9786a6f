// Facts about the machine: cores, memory, kernel, identity. Reads /proc and /etc once.
import { readFile } from 'node:fs/promises';
import { arch, cpus, release } from 'node:os';

export interface MachineFacts {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly machineId: string;
  readonly bootId: string;
  readonly systemUuid: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** Go's name: amd64, arm64. */
  readonly architecture: string;
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
  const [memory, machineId, bootId, systemUuid, osRelease] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    read('/etc/machine-id'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/etc/os-release'),
  ]);
  return {
    cores: cpus().length,
    memoryBytes: parseMemTotal(memory),
    machineId,
    bootId,
    systemUuid: systemUuid || machineId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: goArchitectures[arch()] ?? arch(),
  };
}

export function parseMemTotal(meminfo: string): number {
  return Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

/** Bytes that the kernel can still allocate. */
export async function availableMemoryBytes(): Promise<number> {
  const meminfo = await readFile('/proc/meminfo', 'utf8');
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
}
