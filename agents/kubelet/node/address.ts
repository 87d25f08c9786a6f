// The addresses of this node: those of --node-ip, or the source address that this machine uses to reach the API server. Pure.
import { isIP } from 'node:net';
import { parseAddress } from '../../../controlplane/base/cidr';
import { BadRequest } from '../../../controlplane/base/errors';
import type { Link, LinkAddress, Route } from '../../../dataplane/link/model';
import { vxlanName } from '../../../dataplane/overlay/vxlan';
import { bridgeName, vethPrefix } from '../network/names';

/** The facts of the machine on which the choice depends. */
export interface AddressFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  /** The route to the API server; undefined without one. */
  readonly towardsServer: Pick<Route, 'source' | 'link'> | undefined;
}

export type AddressChoice =
  | { readonly action: 'use'; readonly address: string }
  /** There is no usable address yet, or another one than before. `instead` is the address to use if waiting does not help. */
  | { readonly action: 'wait'; readonly reason: string; readonly instead?: string };

/** The value of --node-ip: empty, one address, or one of each family. @throws BadRequest */
export function parseNodeIps(text: string): readonly string[] {
  const addresses = text === '' ? [] : text.split(',');
  for (const address of addresses) {
    if (isIP(address) === 0) throw new BadRequest(`not an IP address: ${JSON.stringify(address)}`);
    const problem = unusable(address);
    if (problem) throw new BadRequest(`${address} ${problem}`);
  }
  const families = addresses.map((address) => isIP(address));
  if (new Set(families).size < families.length) throw new BadRequest('at most one address of each family');
  return addresses;
}

/**
 * Without --node-ip. The earlier address is kept as long as the machine has it. So the node's address does not change when another
 * link comes up first at the next boot, or when the same link gets one more address.
 */
export function chooseAddress(facts: AddressFacts, before: string | undefined): AddressChoice {
  const holder = (address: string | undefined) => facts.addresses.find((entry) => entry.address === address);
  const linkOf = (address: string | undefined) => facts.links.find(({ index }) => index === holder(address)?.link);
  if (before !== undefined && holder(before)) return { action: 'use', address: before };
  const { source } = facts.towardsServer ?? {};
  if (source === undefined) return { action: 'wait', reason: 'no route to the API server yet' };
  const problem = unusable(source) ?? foreignLink(linkOf(source)?.name);
  if (problem) return { action: 'wait', reason: `the way to the API server begins at ${source}, which ${problem}` };
  if (before === undefined) return { action: 'use', address: source };
  return { action: 'wait', reason: `address ${before} of before is on no link of this machine`, instead: source };
}

/** Why other nodes could not reach this address, or undefined. */
function unusable(address: string): string | undefined {
  const { family, value } = parseAddress(address);
  if (value === 0n) return 'is not an address of a machine';
  if (family === 4) {
    const first = value >> 24n;
    if (first === 127n) return 'is a loopback address';
    if (value >> 16n === 0xa9fen) return 'is link-local: other subnets cannot reach it';
    return first >= 224n ? 'is not an address of a machine' : undefined;
  }
  if (value === 1n) return 'is a loopback address';
  if (value >> 118n === 0x3fan) return 'is link-local: other subnets cannot reach it';
  return value >> 120n === 0xffn ? 'is not an address of a machine' : undefined;
}

/** Links whose addresses are valid on this machine alone: container networks of k8ts and of other programs. */
function foreignLink(name: string | undefined): string | undefined {
  const internal =
    name !== undefined &&
    (/^(docker\d+|br-[0-9a-f]{12}|virbr\d+|lxcbr\d+|lxdbr\d+|flannel\..*|lo)$/.test(name) ||
      name === bridgeName ||
      name === vxlanName ||
      name.startsWith(vethPrefix));
  return internal ? `is on ${name}, where no other node can reach it` : undefined;
}

/** The addresses among these that no link of the machine has. */
export const missingAddresses = (
  desired: readonly string[],
  { addresses }: Pick<AddressFacts, 'addresses'>,
): string[] => desired.filter((address) => !addresses.some((entry) => sameAddress(entry.address, address)));

const sameAddress = (a: string, b: string): boolean => parseAddress(a).value === parseAddress(b).value;
