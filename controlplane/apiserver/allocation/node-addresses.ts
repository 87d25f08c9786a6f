// No two nodes may have the same address: if two nodes report one (every VirtualBox machine has 10.0.2.15 on its first
// interface), each gets traffic of the other, without any error. The store decides which node has the address, as for every
// claim; this rule writes the message of the refusal.
import { isIP } from 'node:net';
import { internalAddresses, nodeAddressClaim } from '../../api/claims';
import { type Node, nodes, serviceCidrs } from '../../api/index';
import { rangesOf } from '../../api/service-cidrs/facts';
import { type Cidr, cidrContains, parseAddress } from '../../base/cidr';
import type { Cache } from '../cache/cache';
import { forbidden } from '../status';
import type { OpenRule, Write, WriteRule } from '../write/rule';

export const nodeAddresses: OpenRule = ({ cache, serviceRanges }) => new NodeAddresses(cache, serviceRanges);

class NodeAddresses implements WriteRule {
  readonly name = 'NodeAddresses';

  /**
   * `services` are the ranges of Service addresses by the server's option. No node may report an address in them or in a ServiceCIDR,
   * since it would get a certificate for it.
   */
  constructor(
    private readonly cache: Cache,
    private readonly services: readonly Cidr[],
  ) {}

  concerns({ kind, context }: Write): boolean {
    return kind.prefix === nodes.prefix && context !== undefined;
  }

  /** Checks the addresses that are new in `object`. @throws Forbidden naming the node that has one of them */
  validate({ name, object = {}, old = {}, refused, dryRun }: Write): void {
    const before = internalAddresses(old);
    for (const address of internalAddresses(object)) {
      if (before.includes(address)) continue;
      if (this.isOfServices(address)) {
        throw forbidden(nodes, name, `address ${address} lies in the range of Services`);
      }
      const holder = refused?.get(nodeAddressClaim(address))?.slice(nodes.prefix.length);
      const other = holder ?? (dryRun ? this.ownerOf(address, name) : undefined);
      if (other !== undefined) throw forbidden(nodes, name, addressTaken(address, other));
    }
  }

  private isOfServices(address: string): boolean {
    if (isIP(address) === 0) return false;
    const parsed = parseAddress(address);
    const isIn = (range: Cidr) => cidrContains(range, parsed);
    const cidrs = this.cache.kind(serviceCidrs).current({});
    return this.services.some(isIn) || cidrs.some(({ object }) => rangesOf(object).some(isIn));
  }

  /** The node that has the address in this server's cache: a dry run does not ask the store. */
  private ownerOf(address: string, name: string): string | undefined {
    const others = this.cache
      .kind(nodes)
      .current({ matches: (node: Node) => internalAddresses(node).includes(address) });
    return others.find(({ key }) => key !== name)?.key;
  }
}

const addressTaken = (address: string, other: string): string =>
  `address ${address} belongs to node "${other}" already; give this machine an address of its own, at which the other ` +
  `nodes reach it (--node-ip), or, if that node is gone, delete it: kubectl delete node ${other}`;
