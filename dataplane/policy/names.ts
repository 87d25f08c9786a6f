// Every name in the tables of policies. Equal objects have equal names, on every node and after every restart.
import type { Family } from '../../controlplane/base/cidr';
import { shortHash } from '../netfilter/short-hash';
import type { PodPeer, Protocol } from './input';
import { canonical } from './select';

export const tableName = 'k8ts-policy';

/**
 * The table that counts who is refused while somebody looks (dataplane/traffic). Its rules have no verdict: they decide nothing
 * over a packet.
 */
export const watchTableName = 'k8ts-watch';

/**
 * Priorities of the chains at a hook, counted from `filter`. After foreign filter rules: a reject for a Service without endpoints comes
 * first, and a drop here is final all the same. The numbers around and between them are left to the table that watches.
 */
export const priorities = { egress: 10, ingress: 12 } as const;

/** The bridge the kubelet attaches pods to (agents/kubelet/network/names.ts). */
export const podBridge = 'cni0';

/**
 * The bit of a packet's mark that says that these rules have seen the packet. It is none of the bits in
 * dataplane/netfilter/names.ts.
 */
export const seenMark = 0x10000;

export type Direction = 'ingress' | 'egress';

export const chainNames = {
  egress: 'egress',
  ingress: 'ingress',
  input: 'input',
  leave: 'leave',
  enter: 'enter',
} as const;

export const mapName = (direction: Direction, family: Family): string =>
  direction === 'egress' ? `leaving${family}` : `entering${family}`;
export const selfName = (family: Family): string => `self${family}`;
export const serversName = (family: Family): string => `servers${family}`;

/** The kernel accepts names of 127 characters; the name of an API object alone may have 253. */
const maxNameLength = 100;

/** `in/shop/allow-web`: the chain of one policy in one direction. */
export function policyChain(direction: Direction, key: string): string {
  const name = `${direction === 'ingress' ? 'in' : 'out'}/${key}`;
  return name.length <= maxNameLength ? name : `${direction === 'ingress' ? 'in' : 'out'}/${shortHash(key)}`;
}

/** `to-HASH`, `from-HASH`: the chain of the pods that these policies select together. */
export const profileChain = (direction: Direction, policies: readonly string[]): string =>
  `${direction === 'ingress' ? 'to' : 'from'}-${shortHash(policies.join(','))}`;

/** `pods4-HASH`: the addresses of the pods that a peer selects. Equal peers of all policies share the set. */
export function peerSet(family: Family, namespace: string, { namespaces, pods = [] }: PodPeer): string {
  const scope = namespaces ? `all ${canonical(namespaces)}` : `in ${namespace}`;
  return `pods${family}-${shortHash(`${scope} ${canonical(pods)}`)}`;
}

/** `ports4-HASH`: address and port of each pod that has a port of this name. */
export const portSet = (family: Family, protocol: Protocol, name: string): string =>
  `ports${family}-${shortHash(`${protocol} ${name}`)}`;
