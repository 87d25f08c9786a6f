// Which servers there are: those that the options name, those that the cluster lists, and those that it listed before. Pure.
//
// Why former servers stay as spares: a server that dies leaves the list after some seconds. If the others die after it, and it comes back
// first, then a balancer that knew only the last list could reach none, and so could not learn a new list either. Spares are tried
// only if no listed server is up, and are up only if they show a certificate of the cluster, so an address that another machine got
// later does no harm.

import { type Address, parseAddress } from './address';

export interface Members {
  /** As the options name them. */
  readonly named: readonly string[];
  /** The last list of the cluster; empty: not read yet. */
  readonly listed: readonly string[];
  /** Listed before, the latest first. */
  readonly former: readonly string[];
}

/** More than the servers of a cluster; the bound of `former`. */
const maxFormer = 16;

/** A list without servers says nothing: no server has written its address yet. */
export function learn(members: Members, listed: readonly string[]): Members {
  if (listed.length === 0) return members;
  const now = [...new Set(listed)].sort();
  const gone = members.listed.filter((name) => !now.includes(name));
  const before = members.former.filter((name) => !now.includes(name) && !gone.includes(name));
  return { ...members, listed: now, former: [...gone, ...before].slice(0, maxFormer) };
}

/** All servers; true: a spare. */
export function serversOf({ named, listed, former }: Members): ReadonlyMap<string, boolean> {
  const hasList = listed.length > 0;
  const servers = new Map(listed.map((name) => [name, false]));
  for (const name of named) if (!servers.has(name)) servers.set(name, hasList);
  for (const name of former) if (!servers.has(name)) servers.set(name, true);
  return servers;
}

/** The text of the state file. */
export const renderMembers = ({ listed, former }: Members): string => `${JSON.stringify({ listed, former })}\n`;

/** `valid` checks one name. @throws SyntaxError, or what `valid` throws */
export function parseMembers(text: string, named: readonly string[], valid: (name: string) => string): Members {
  const { listed = [], former = [] } = JSON.parse(text) as Partial<Record<string, readonly string[]>>;
  return { named, listed: listed.map(valid), former: former.map(valid).slice(0, maxFormer) };
}

/** Without servers at an address on which the balancer itself listens: it would connect to itself without end. */
export function withoutLoops(
  servers: ReadonlyMap<string, boolean>,
  listeners: readonly Address[],
  own: readonly string[],
): ReadonlyMap<string, boolean> {
  const isOwn = ({ host, port }: Address) =>
    listeners.some(
      (listener) =>
        listener.port === port && (listener.host === host || (isWildcard(listener.host) && own.includes(host))),
    );
  return new Map([...servers].filter(([name]) => !isOwn(parseAddress(name))));
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
