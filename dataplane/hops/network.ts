// The addresses and routes of a network namespace, and the frames that a bridge gets. Reads only.
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import type { Frame } from '../path/packet';

/** The part of `ip -json address` that counts. */
export interface IpAddress {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly family: 'inet' | 'inet6';
    readonly local?: string;
    readonly broadcast?: string;
    readonly scope: string;
  }[];
}
/** The part of `ip -json route` that counts. */
export interface IpRoute {
  /** An address or a range; `default` from the program itself. */
  readonly dst: string;
  /** Absent: a route that refuses. */
  readonly dev?: string;
  readonly metric?: number;
}

export interface NodeNetwork {
  readonly localAddresses: ReadonlySet<string>;
  readonly broadcasts: ReadonlySet<string>;
  /** The interface of the route to a destination; undefined without a route. */
  readonly route: (destination: string) => string | undefined;
  /** The first global address of an interface, of the family of `like`. */
  readonly addressOn: (interfaceName: string, like: string) => string | undefined;
}

export async function readNetwork(exec: Exec): Promise<NodeNetwork> {
  const ask = async <T>(...argv: string[]) =>
    JSON.parse((await exec.run(['ip', '-json', ...argv])).stdout || '[]') as T;
  const addresses = await ask<readonly IpAddress[]>('address');
  const inFull = (routes: readonly IpRoute[], all: string) =>
    routes.map((route) => (route.dst === 'default' ? { ...route, dst: all } : route));
  return networkOf(addresses, [
    ...inFull(await ask<IpRoute[]>('-4', 'route'), '0.0.0.0/0'),
    ...inFull(await ask<IpRoute[]>('-6', 'route'), '::/0'),
  ]);
}

/** Pure. Rules of policy routing are not looked at: the main table decides. */
export function networkOf(addresses: readonly IpAddress[], routes: readonly IpRoute[]): NodeNetwork {
  const own = addresses.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local, family, scope }) => (local === undefined ? [] : [{ ifname, local, family, scope }])),
  );
  const table = routes
    .map(({ dst, dev, metric = 0 }) => ({ range: rangeOf(dst), dev, metric }))
    .sort((a, b) => b.range.prefix - a.range.prefix || a.metric - b.metric);
  const familyOf = (address: string) => (address.includes(':') ? 'inet6' : 'inet');
  return {
    localAddresses: new Set(own.map(({ local }) => local)),
    broadcasts: new Set(addresses.flatMap(({ addr_info }) => addr_info.flatMap(({ broadcast }) => broadcast ?? []))),
    route: (destination) => {
      const address = parseAddress(destination);
      return table.find(({ range }) => cidrContains(range, address))?.dev;
    },
    addressOn: (interfaceName, like) =>
      own.find(
        ({ ifname, family, scope }) => ifname === interfaceName && scope === 'global' && family === familyOf(like),
      )?.local,
  };
}

const rangeOf = (dst: string): Cidr => parseCidr(dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`);

/**
 * The frame in which a packet of this address comes to a bridge, from what the bridge has learned; `unheard`: it has not heard the sender.
 * Undefined where the interface is no bridge.
 */
export async function readFrame(
  exec: Exec,
  interfaceName: string,
  address: string,
): Promise<Frame | 'unheard' | undefined> {
  const ask = async <T>(...argv: string[]): Promise<readonly T[]> => {
    const answer = await exec.run(argv).catch((error: unknown) => {
      // `bridge` ends so for an interface that is none.
      if (error instanceof CommandFailed) return { stdout: '' };
      throw error;
    });
    return JSON.parse(answer.stdout || '[]') as readonly T[];
  };
  const learned = await ask<{ mac: string; ifname: string }>('bridge', '-json', 'fdb', 'show', 'br', interfaceName);
  if (learned.length === 0) return undefined;
  const neighbours = await ask<{ dst: string; lladdr?: string }>(
    'ip',
    '-json',
    'neighbour',
    'show',
    'dev',
    interfaceName,
  );
  const sourceMac = neighbours.find(({ dst }) => dst === address)?.lladdr;
  const port = learned.find(({ mac, ifname }) => mac === sourceMac && ifname !== interfaceName)?.ifname;
  return sourceMac === undefined || port === undefined ? 'unheard' : { port, sourceMac };
}
