// A node's address is its own: two nodes that report the same one (every VirtualBox machine has 10.0.2.15 on its first
// interface) would take each other's traffic, and nothing else would say so. Decided in the synchronous stretch before the
// write, so that two nodes that come at once do not both get it.
import { isIP } from 'node:net';
import { type KubeObject, type Node, nodes } from '../../api/index';
import { type Cidr, cidrContains, formatAddress, parseAddress } from '../../base/cidr';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { forbidden } from '../status';
import type { OpenRule, Reservation, Write, WriteRule } from '../write/rule';

export const nodeAddresses: OpenRule = async ({ cache, serviceRanges, signal }) => {
  const rule = new NodeAddresses(serviceRanges);
  await rule.start(cache, signal);
  return rule;
};

class NodeAddresses implements WriteRule {
  readonly name = 'NodeAddresses';
  /** Address to the nodes that report it: several where they did so before this server looked. */
  private readonly owners = new Map<string, Set<string>>();

  /** An address in `services` is the cluster's: no node may report it, and get a certificate for it. */
  constructor(private readonly services: readonly Cidr[]) {}

  /** Resolves when all nodes are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    await followKind(
      cache,
      nodes,
      (previous, current) => {
        const name = (current ?? previous)?.metadata?.name ?? '';
        for (const address of internalAddresses(previous)) this.give(address, name);
        for (const address of internalAddresses(current)) this.take(address, name);
      },
      signal,
    );
  }

  concerns({ kind, context }: Write): boolean {
    return kind.prefix === nodes.prefix && context !== undefined;
  }

  /** Takes the addresses that are new in `object`. @throws Forbidden naming the node that has one of them */
  reserve({ name, object, old }: Write): Reservation {
    const before = internalAddresses(old);
    const added = internalAddresses(object).filter((address) => !before.includes(address));
    for (const address of added) {
      if (isIP(address) !== 0 && this.services.some((range) => cidrContains(range, parseAddress(address)))) {
        throw forbidden(nodes, name, `address ${address} lies in the range of Services`);
      }
      const other = [...(this.owners.get(address) ?? [])].find((owner) => owner !== name);
      if (other !== undefined) throw forbidden(nodes, name, addressTaken(address, other));
    }
    const taken = added.filter((address) => !this.owners.get(address)?.has(name));
    for (const address of taken) this.take(address, name);
    return {
      undo: () => {
        for (const address of taken) this.give(address, name);
      },
    };
  }

  private take(address: string, name: string): void {
    const owners = this.owners.get(address);
    if (owners) owners.add(name);
    else this.owners.set(address, new Set([name]));
  }

  private give(address: string, name: string): void {
    const owners = this.owners.get(address);
    owners?.delete(name);
    if (owners?.size === 0) this.owners.delete(address);
  }
}

/** Loopback addresses belong to no link, so each machine has them all. */
const internalAddresses = (node: KubeObject | undefined): readonly string[] =>
  ((node as Node | undefined)?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => normal(address))
    .filter((address) => !/^(127\.|::1$)/.test(address));

/** One spelling for each; what is no address stays as it is. */
function normal(text: string): string {
  try {
    return formatAddress(parseAddress(text));
  } catch {
    return text;
  }
}

const addressTaken = (address: string, other: string): string =>
  `address ${address} belongs to node "${other}" already; give this machine an address of its own, at which the other ` +
  `nodes reach it (--node-ip), or, if that node is gone, delete it: kubectl delete node ${other}`;
