// The resolv.conf and the hosts file of a pod. Its programs may write both, so no more than a bounded part is read.
import { open } from 'node:fs/promises';
import type { HopAnswer } from '../../controlplane/base/hops';

type Resolver = NonNullable<HopAnswer['resolver']>;

const maxBytes = 64 * 1024;
const maxHosts = 500;

/** @param hostsPath absent, or a file that cannot be read: no hosts. @throws when resolv.conf cannot be read */
export async function readResolver(path: string, hostsPath?: string): Promise<Resolver> {
  const [text, hostsText] = await Promise.all([
    readBegin(path),
    hostsPath === undefined ? '' : readBegin(hostsPath).catch(() => ''),
  ]);
  const hosts = parseHosts(hostsText);
  return { ...parseResolver(text), ...(hosts.length > 0 ? { hosts } : {}) };
}

async function readBegin(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(maxBytes) });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** C libraries ask no more (MAXNS). */
const maxServers = 3;

/** Source: resolv.conf(5). Pure. */
export function parseResolver(text: string): Resolver {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  let tcp = false;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) servers.push(rest[0]);
    if (word === 'search' || word === 'domain') search = rest;
    if (word !== 'options') continue;
    for (const option of rest) {
      tcp ||= option === 'use-vc';
      const dots = /^ndots:(\d+)$/.exec(option)?.[1];
      if (dots !== undefined) ndots = Math.min(15, Number(dots));
    }
  }
  return { servers: servers.slice(0, maxServers), search, ndots, ...(tcp ? { tcp: true as const } : {}) };
}

/** Source: hosts(5). Pure. */
export const parseHosts = (text: string): NonNullable<Resolver['hosts']> =>
  text
    .split('\n')
    .flatMap((line) => {
      const [address, ...names] = line.split('#')[0]!.trim().split(/\s+/);
      return address && names.length > 0 ? [{ address, names }] : [];
    })
    .slice(0, maxHosts);
