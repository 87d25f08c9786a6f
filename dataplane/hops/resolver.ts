// The resolv.conf of a pod.
import { readFile } from 'node:fs/promises';
import type { HopAnswer } from '../../controlplane/base/hops';

/** @throws when it cannot be read */
export async function readResolver(path: string): Promise<NonNullable<HopAnswer['resolver']>> {
  return parseResolver(await readFile(path, 'utf8'));
}

/** C libraries ask no more (MAXNS). */
const maxServers = 3;

/** Source: resolv.conf(5). Pure. */
export function parseResolver(text: string): NonNullable<HopAnswer['resolver']> {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) servers.push(rest[0]);
    if (word === 'search' || word === 'domain') search = rest;
    if (word !== 'options') continue;
    for (const option of rest) {
      const dots = /^ndots:(\d+)$/.exec(option)?.[1];
      if (dots !== undefined) ndots = Math.min(15, Number(dots));
    }
  }
  return { servers: servers.slice(0, maxServers), search, ndots };
}
