// Gathers the facts that preflight.ts judges.
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tryFeatures } from '../../agents/setup/features';
import type { Exec } from '../../dataplane/exec/exec';
import { linkNames, netnsNames } from './network';
import type { HostFacts } from './preflight';
import { readState, recordedClusters } from './state';

const programs = [
  'ip',
  'iptables',
  'iptables-save',
  'iptables-restore',
  'conntrack',
  'nft',
  'nsenter',
  'dockerd',
  'docker-registry',
];

/** The path of a program, searched in PATH and in the system directories that root's PATH may lack. */
export function findProgram(name: string, path: string): string | undefined {
  const directories = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function gatherFacts(exec: Exec, path: string, withEtcd: boolean): Promise<HostFacts> {
  const missingPrograms = [...programs, ...(withEtcd ? ['etcd'] : [])].filter(
    (name) => findProgram(name, path) === undefined,
  );
  const uid = process.getuid?.() ?? 0;
  const usable = uid === 0 && missingPrograms.length === 0;
  return {
    uid,
    missingPrograms,
    cgroups: /^\S+ \/sys\/fs\/cgroup\S* cgroup2? /m.test(readFileSync('/proc/self/mounts', 'utf8')),
    dockerVersion: missingPrograms.includes('dockerd') ? undefined : await dockerVersion(exec),
    missingFeatures: usable ? await tryFeatures(exec) : [],
    ranges: usable ? await hostRanges(exec) : [],
    links: usable ? [...(await linkNames(exec))] : [],
    namespaces: usable ? [...(await netnsNames(exec))] : [],
    freeBytes: freeBytes('/var/lib'),
  };
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

async function dockerVersion(exec: Exec): Promise<string | undefined> {
  const { stdout } = await exec.run(['dockerd', '--version']);
  return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

async function hostRanges(exec: Exec): Promise<HostFacts['ranges']> {
  const [addresses, routes] = await Promise.all([
    exec.run(['ip', '-json', '-4', 'addr', 'show']),
    exec.run(['ip', '-json', '-4', 'route', 'show']),
  ]);
  type Link = { ifname: string; addr_info: { local?: string; prefixlen?: number }[] };
  type Route = { dst: string; dev?: string };
  const fromAddresses = (JSON.parse(addresses.stdout || '[]') as Link[])
    .filter((link) => link.ifname !== 'lo')
    .flatMap((link) =>
      link.addr_info.map(({ local, prefixlen }) => ({
        cidr: `${local}/${prefixlen}`,
        origin: `address of ${link.ifname}`,
      })),
    );
  const fromRoutes = (JSON.parse(routes.stdout || '[]') as Route[])
    .filter(({ dst }) => dst !== 'default')
    .map(({ dst, dev }) => ({
      cidr: dst.includes('/') ? dst : `${dst}/32`,
      origin: `route${dev ? ` through ${dev}` : ''}`,
    }));
  // After a reboot no link shows that other clusters use these ranges; the clusters need them again.
  const recorded = recordedClusters().flatMap((name) => {
    const state = readState(name);
    return state ? [{ cidr: state.subnet, origin: `cluster ${name}` }] : [];
  });
  return [...fromAddresses, ...fromRoutes, ...recorded];
}

/** The first of 5000, 5001, ... on which no socket of the host listens. */
export function freeRegistryPort(): number {
  const listening = new Set<number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(table)) continue;
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      // State 0A is LISTEN; the local address is HEX:PORT.
      if (fields[3] === '0A') listening.add(Number.parseInt(fields[1]!.split(':')[1]!, 16));
    }
  }
  let port = 5000;
  while (listening.has(port)) port++;
  return port;
}

/** Resolvers that a node can reach: those of the host, unless they listen on the host's loopback only. */
export function upstreamResolvers(): readonly string[] {
  for (const path of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    if (!existsSync(path)) continue;
    const found = [...readFileSync(path, 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm)]
      .map((match) => match[1]!)
      .filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address) && !address.startsWith('127.'));
    if (found.length > 0) return found.map((address) => `${address}:53`);
  }
  return [];
}
