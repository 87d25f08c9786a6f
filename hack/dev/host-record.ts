// The state of the host, before and after: links, namespaces, addresses, routes, rules, mounts, sysctls, control groups,
// /etc/hosts and kubeconfig. Two records are compared entry by entry; the comparison is pure.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Exec } from '../../dataplane/exec/exec';

/** One sorted list of lines per aspect. */
export type HostRecord = Readonly<Record<string, readonly string[]>>;
export interface Difference {
  readonly aspect: string;
  readonly change: 'added' | 'removed';
  readonly entry: string;
}

export interface RecordSources {
  readonly kubeconfigPath: string;
}

export async function recordHost(exec: Exec, { kubeconfigPath }: RecordSources): Promise<HostRecord> {
  const lines = async (...argv: string[]): Promise<string[]> => {
    const { stdout } = await exec.run(argv);
    return stdout.split('\n').filter((line) => line.trim() !== '');
  };
  const [links, addresses, routes4, routes6, rules, namespaces, iptables, ip6tables] = await Promise.all([
    lines('ip', '-json', 'link', 'show').then((text) => linkEntries(text.join('\n'))),
    lines('ip', '-o', '-4', 'addr', 'show').then((all) => all.map(addressEntry)),
    lines('ip', '-4', 'route', 'show', 'table', 'all'),
    lines('ip', '-6', 'route', 'show', 'table', 'main'),
    lines('ip', 'rule', 'show'),
    lines('ip', 'netns', 'list').then((all) => all.map((line) => line.split(' ')[0]!)),
    lines('iptables-save').then(ruleEntries),
    lines('ip6tables-save').then(ruleEntries),
  ]);
  return sortAll({
    links,
    addresses,
    routes: [...routes4, ...routes6].map((route) => route.replace(/ expires \d+sec/, '').trim()),
    'routing rules': rules,
    'network namespaces': namespaces,
    'iptables rules': iptables,
    'ip6tables rules': ip6tables,
    mounts: mountEntries(readFileSync('/proc/self/mountinfo', 'utf8')),
    sysctls: [`net.ipv4.ip_forward=${readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()}`],
    'control groups': cgroupEntries(),
    '/etc/hosts': hostsEntries('/etc/hosts'),
    kubeconfig: kubeconfigEntries(kubeconfigPath),
  });
}

const sortAll = (record: Record<string, string[]>): HostRecord =>
  Object.fromEntries(Object.entries(record).map(([aspect, entries]) => [aspect, [...entries].sort()]));

function linkEntries(json: string): string[] {
  return (JSON.parse(json || '[]') as { ifname: string; master?: string }[]).map(({ ifname, master }) =>
    master ? `${ifname} master ${master}` : ifname,
  );
}

/** "2: eth0    inet 10.0.0.2/24 ... valid_lft 3600sec": the lifetime changes all the time. */
function addressEntry(line: string): string {
  const [, device = '', , address = ''] = line.trim().split(/\s+/);
  return `${device} ${address}`;
}

/** Rules, own chains and policies; an empty built-in chain that accepts everything is the same as none. */
export function ruleEntries(lines: readonly string[]): string[] {
  let table = '';
  const entries: string[] = [];
  for (const line of lines) {
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith('-')) entries.push(`${table} ${line}`);
    else if (line.startsWith(':')) {
      const [chain, policy] = line.slice(1).split(' ');
      if (policy !== 'ACCEPT') entries.push(`${table} ${chain} ${policy}`);
    }
  }
  return entries;
}

/** Mount point and type; ids and optional fields change from mount to mount. */
export function mountEntries(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      return `${left.split(' ')[4]} ${right.split(' ')[0]}`;
    });
}

const cgroupRoot = '/sys/fs/cgroup';

/** The cgroups that k8ts may leave: k8ts/NAME in the hierarchy of version 2, or in each hierarchy of version 1. */
function cgroupEntries(): string[] {
  return cgroupDirectories('k8ts').flatMap((dir) => subdirectories(dir).map((name) => `${dir}/${name}`));
}

/** Every directory called `name` at the top of a hierarchy. */
export function cgroupDirectories(name: string): string[] {
  const tops = [cgroupRoot, ...subdirectories(cgroupRoot).map((child) => `${cgroupRoot}/${child}`)];
  return tops.map((top) => `${top}/${name}`).filter((dir) => existsSync(dir));
}

function subdirectories(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function hostsEntries(path: string): string[] {
  return existsSync(path) ? hostsLines(readFileSync(path, 'utf8')) : [];
}

/** Line by line; a block of a cluster counts as one entry, so that blocks of other clusters may appear and disappear. */
export function hostsLines(text: string): string[] {
  const entries: string[] = [];
  let block: string | undefined;
  text.split('\n').forEach((line) => {
    const begin = /^# BEGIN (k8ts\S*) \(made by hack\/up/.exec(line)?.[1];
    if (begin !== undefined) {
      block = begin;
      entries.push(`block of ${begin}`);
    }
    if (block === undefined) entries.push(line);
    else if (line === `# END ${block}`) block = undefined;
  });
  return entries;
}

/** A kubeconfig holds keys, so only hashes are kept: one for each cluster, user and context by name, and one for the rest. */
function kubeconfigEntries(path: string): string[] {
  if (!existsSync(path)) return [];
  const file = (parse(readFileSync(path, 'utf8')) ?? {}) as Record<string, unknown>;
  const hash = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
  return Object.entries(file).flatMap(([field, value]) => {
    if (field === 'current-context') return [`${field} ${value}`];
    if (!Array.isArray(value)) return [`${field} ${hash(value)}`];
    return value.map((item: { name?: string }) => `${field} ${item.name} ${hash(item)}`);
  });
}

/** Every entry that only one of the two records has, in the order of aspects. */
export function diffRecords(before: HostRecord, after: HostRecord): readonly Difference[] {
  const differences: Difference[] = [];
  for (const aspect of Object.keys(before)) {
    const [old, now] = [before[aspect] ?? [], after[aspect] ?? []];
    differences.push(...only(now, old).map((entry) => ({ aspect, change: 'added' as const, entry })));
    differences.push(...only(old, now).map((entry) => ({ aspect, change: 'removed' as const, entry })));
  }
  return differences;
}

function only(list: readonly string[], other: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const entry of other) counts.set(entry, (counts.get(entry) ?? 0) + 1);
  return list.filter((entry) => {
    const left = counts.get(entry) ?? 0;
    if (left > 0) counts.set(entry, left - 1);
    return left === 0;
  });
}
