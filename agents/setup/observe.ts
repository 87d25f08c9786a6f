// Gathers the facts of this machine for preflight.ts, desired.ts and steps.ts. It reads and tries, and changes nothing.
import { accessSync, constants } from 'node:fs';
import { readFile, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Exec } from '../../dataplane/exec/exec';
import type { NodeFacts } from './desired';
import type { DockerFacts } from './docker-config';
import type { Engine, EngineInfo } from './docker-engine';
import { tryFeatures } from './features';
import { daemonJsonPath } from './layout';
import type { MachineFiles } from './machine-files';
import { type Listener, type MachineFacts, packagesOf } from './preflight';

export interface Machine {
  readonly facts: MachineFacts;
  readonly node: NodeFacts;
  readonly docker: DockerFacts;
  readonly engine: EngineInfo | undefined;
}
export interface ObserveDeps {
  readonly exec: Exec;
  readonly files: MachineFiles;
  readonly engine: Engine;
  /** The address of the API, to find the route to it; undefined: the default route. */
  readonly towards?: string | undefined;
  /** Whether the machine needs etcd. */
  readonly withEtcd?: boolean;
}

/** Any outside address: the kernel chooses a source address for it; no packet is sent. */
const outside = '1.1.1.1';
const programDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const stubResolvConf = '/etc/resolv.conf';
/** Where systemd-resolved writes the servers behind its own stub at 127.0.0.53, which pods cannot reach. */
const resolvedResolvConf = '/run/systemd/resolve/resolv.conf';
/** The links of pods on a node. */
const ownLinks = /^(cni0|veth|k8ts)/;

export async function observeMachine(deps: ObserveDeps): Promise<Machine> {
  const { exec, files, engine, towards = outside, withEtcd = false } = deps;
  const programs = Object.keys(packagesOf).filter((name) => withEtcd || name !== 'etcd');
  const missingPrograms = programs.filter((name) => findProgram(name) === undefined);
  const uid = process.getuid?.() ?? 0;
  const systemd = (await files.exists('/run/systemd/system'))
    ? 'running'
    : findProgram('systemctl')
      ? 'offline'
      : 'missing';
  const usable = uid === 0 && missingPrograms.length === 0;
  const info = uid === 0 ? await engine.info() : undefined;
  const links = usable ? await readLinks(exec) : { addresses: [], ranges: [] };
  const facts: MachineFacts = {
    uid,
    systemd,
    systemdVersion: systemd === 'missing' ? 0 : await systemdVersion(exec),
    missingPrograms,
    docker: info,
    dockerUnit: await hasDockerUnit(files),
    cgroups: await readCgroups(),
    missingFeatures: usable ? await tryFeatures(exec) : [],
    swapBytes: await readSwap(),
    freeBytes: await freeBytes('/var/lib'),
    nowMs: Date.now(),
    builtMs: (await stat(__filename)).mtimeMs,
    listeners: usable ? await readListeners(exec) : [],
    ranges: links.ranges,
  };
  return {
    facts,
    node: {
      hostName: hostname(),
      routeAddress: usable ? await sourceTowards(exec, towards) : undefined,
      addresses: links.addresses,
      resolvConf: await usableResolvConf(files),
    },
    docker: { daemonJson: (await files.read(daemonJsonPath))?.text, flags: await dockerFlags(exec, systemd) },
    engine: info,
  };
}

/** Where this program runs from: a folder made by hack/package, or undefined. */
export async function ownPackage(): Promise<{ dir: string; version: string } | undefined> {
  const dir = dirname(__filename);
  try {
    const version = (await readFile(join(dir, 'VERSION'), 'utf8')).trim();
    accessSync(join(dir, 'bin/node'), constants.X_OK);
    return { dir, version };
  } catch {
    return undefined;
  }
}

export function findProgram(name: string): string | undefined {
  return programDirectories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function systemdVersion(exec: Exec): Promise<number> {
  const { stdout } = await exec.run(['systemctl', '--version']);
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
}

async function hasDockerUnit(files: MachineFiles): Promise<boolean> {
  const directories = ['/etc/systemd/system', '/lib/systemd/system', '/usr/lib/systemd/system'];
  const there = await Promise.all(directories.map((directory) => files.exists(`${directory}/docker.service`)));
  return there.includes(true);
}

/** The flags of the running dockerd: its unit may read options from further files. */
async function dockerFlags(exec: Exec, systemd: MachineFacts['systemd']): Promise<readonly string[]> {
  if (systemd !== 'running') return [];
  const { stdout } = await exec.run(['systemctl', 'show', '--property=MainPID', '--value', 'docker.service']);
  const pid = Number(stdout.trim());
  if (!pid) return [];
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return line.split('\0').map((word) => word.split('=')[0]!);
}

const controllers = ['cpu', 'memory', 'pids'];

async function readCgroups(): Promise<MachineFacts['cgroups']> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  if (/^\S+ \/sys\/fs\/cgroup cgroup2 /m.test(mounts)) {
    const there = (await readFile('/sys/fs/cgroup/cgroup.controllers', 'utf8')).trim().split(/\s+/);
    return { version: 2, missing: controllers.filter((name) => !there.includes(name)) };
  }
  const version1 = [...mounts.matchAll(/^\S+ \/sys\/fs\/cgroup\/\S+ cgroup (\S+)/gm)].flatMap((match) =>
    match[1]!.split(','),
  );
  return version1.length === 0
    ? undefined
    : { version: 1, missing: controllers.filter((name) => !version1.includes(name)) };
}

async function readSwap(): Promise<number> {
  const table = await readFile('/proc/swaps', 'utf8').catch(() => '');
  // Filename Type Size Used Priority; Size in KiB.
  const sizes = table
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(/\s+/)[2] ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

interface LinkEntry {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local?: string; readonly prefixlen?: number; readonly scope?: string }[];
}
interface RouteEntry {
  readonly dst: string;
  readonly dev?: string;
  readonly protocol?: string;
}

async function readLinks(exec: Exec): Promise<{ addresses: readonly string[]; ranges: MachineFacts['ranges'] }> {
  const json = async <T>(...argv: string[]) =>
    JSON.parse((await exec.run(['ip', '-json', ...argv])).stdout || '[]') as T;
  const links = (await json<LinkEntry[]>('addr', 'show')).filter(({ ifname }) => !ownLinks.test(ifname));
  const routes = await json<RouteEntry[]>('-4', 'route', 'show');
  const global = links.flatMap(({ ifname, addr_info }) =>
    addr_info
      .filter(({ scope }) => scope === 'global')
      .map(({ local = '', prefixlen }) => ({ ifname, local, prefixlen })),
  );
  return {
    addresses: global
      .filter(({ ifname }) => !ifname.startsWith('docker') && !ifname.startsWith('br-'))
      .map(({ local }) => local),
    ranges: [
      ...global.map(({ ifname, local, prefixlen }) => ({
        cidr: `${local}/${prefixlen}`,
        origin: `address of ${ifname}`,
      })),
      ...routes
        // 84 marks the routes of pods.
        .filter(({ dst, dev = '', protocol }) => dst !== 'default' && protocol !== '84' && !ownLinks.test(dev))
        .map(({ dst, dev }) => ({
          cidr: dst.includes('/') ? dst : `${dst}/32`,
          origin: `route through ${dev ?? '?'}`,
        })),
    ],
  };
}

async function sourceTowards(exec: Exec, host: string): Promise<string | undefined> {
  try {
    const { stdout } = await exec.run(['ip', '-json', 'route', 'get', host]);
    return (JSON.parse(stdout) as { prefsrc?: string }[])[0]?.prefsrc;
  } catch {
    // Without a route there is no address, which the caller reports.
    return undefined;
  }
}

async function readListeners(exec: Exec): Promise<readonly Listener[]> {
  const tables = await Promise.all(
    (['tcp', 'udp'] as const).map(async (protocol) => {
      const { stdout } = await exec.run(['ss', '-H', '-l', '-n', '-p', protocol === 'tcp' ? '-t' : '-u']);
      return parseListeners(protocol, stdout);
    }),
  );
  return tables.flat();
}

/** Lines of `ss -H -lnp`: STATE RECV-Q SEND-Q ADDRESS:PORT PEER users:(("nginx",pid=1,fd=2)). */
export function parseListeners(protocol: 'tcp' | 'udp', text: string): readonly Listener[] {
  return text.split('\n').flatMap((line) => {
    const [, , , local = '', , users = ''] = line.trim().split(/\s+/);
    const match = /^(.*):(\d+)$/.exec(local);
    if (!match) return [];
    // 127.0.0.53%lo: the link is not part of the address.
    const address = match[1]!.replace(/%[^\]]*/, '');
    return [{ protocol, address, port: Number(match[2]), program: /\(\("([^"]+)"/.exec(users)?.[1] ?? '' }];
  });
}

async function usableResolvConf(files: MachineFiles): Promise<string> {
  const servers = (await files.read(stubResolvConf))?.text.match(/^\s*nameserver\s+\S+/gm) ?? [];
  const loopback = servers.length > 0 && servers.every((line) => /\s(127\.|::1)/.test(line));
  return loopback && (await files.exists(resolvedResolvConf)) ? resolvedResolvConf : stubResolvConf;
}
