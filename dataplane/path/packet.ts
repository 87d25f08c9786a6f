// A packet on its way through a node, and the node's state that rules depend on.

import { type Cidr, cidrContains, type Family, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { Unsupported } from '../../controlplane/base/errors';
import type { CtState, TcpFlag } from '../netfilter/model';

export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, … */
  readonly protocol: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  /** The interface by which it arrived; absent: a process of this node sent it. */
  readonly inInterface?: string;
  /** The frame that it came in, if `inInterface` is a bridge. */
  readonly frame?: Frame;
  /** The packet's state in conntrack; default ['NEW']. Rules translate only new packets. */
  readonly states?: readonly CtState[];
  readonly mark?: number;
  /** Default: SYN alone, the first packet of a connection. */
  readonly tcpFlags?: readonly TcpFlag[];
  /** Of an answer: the ends as they were before this node translated the packet that it answers. Connection tracking restores them. */
  readonly restored?: { readonly source?: Endpoint; readonly destination?: Endpoint };
}

/** An Ethernet frame at a port of the node's bridge. */
export interface Frame {
  readonly port: string;
  readonly sourceMac: string;
}

export interface Surroundings {
  /** Addresses of this node; loopback always counts. */
  readonly localAddresses: ReadonlySet<string>;
  /** The interface of the route to a destination. */
  readonly route?: (destination: string) => string;
  /** The address that a masqueraded packet gets on this interface; undefined: it keeps its source. */
  readonly masqueradeAs?: (outInterface: string) => string | undefined;
  /** In [0, 1): the result of each random choice in rules. */
  readonly random: () => number;
  /** Seconds, for lists of clients. */
  readonly now?: () => number;
  /** The kernel's lists of clients: name of the list → source address → time of the last packet. Evaluators change them. */
  readonly recent?: Map<string, Map<string, number>>;
}

/** The fields that rules change. A change creates a new value, so a step can keep the earlier one. */
export interface Fields {
  readonly source: string;
  readonly sourcePort?: number;
  readonly destination: string;
  readonly destinationPort?: number;
  readonly mark: number;
}

/** The packet between two rules. */
export class Traveller {
  fields: Fields;
  readonly family: Family;
  readonly protocol: string;
  readonly icmpType: number | undefined;
  readonly frame: Frame | undefined;
  readonly restored: NonNullable<Packet['restored']>;
  /** It answers a packet of the same connection. */
  readonly isAnswer: boolean;
  readonly states: Set<CtState>;
  readonly tcpFlags: readonly TcpFlag[];
  inInterface: string | undefined;
  outInterface: string | undefined;
  /** The destination that DNAT set. */
  dnat: Endpoint | undefined;
  /** The source that SNAT set. */
  snat: string | undefined;
  masqueraded = false;

  constructor(
    given: Packet,
    readonly around: Surroundings,
  ) {
    const { source, sourcePort, destination, destinationPort, mark = 0 } = given;
    this.fields = {
      ...{ source, destination, mark },
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
    };
    this.family = source.includes(':') ? 6 : 4;
    this.protocol = given.protocol;
    this.icmpType = given.icmpType;
    this.frame = given.frame;
    this.states = new Set(given.states ?? ['NEW']);
    this.tcpFlags = given.tcpFlags ?? ['SYN'];
    this.inInterface = given.inInterface;
    this.restored = given.restored ?? {};
    this.isAnswer = given.restored !== undefined;
  }

  /** What connection tracking does to an answer, at the hook where chains of type nat translate this end. */
  restore(end: 'source' | 'destination'): void {
    const to = this.restored[end];
    if (to === undefined) return;
    if (end === 'destination') {
      const { address: destination, port: destinationPort } = to;
      this.fields = { ...this.fields, destination, ...(destinationPort === undefined ? {} : { destinationPort }) };
    } else {
      const { address: source, port: sourcePort } = to;
      this.fields = { ...this.fields, source, ...(sourcePort === undefined ? {} : { sourcePort }) };
    }
  }

  setMark(mark: number): void {
    this.fields = { ...this.fields, mark: mark >>> 0 };
  }

  translateDestination(to: Endpoint): void {
    const { address: destination, port: destinationPort } = to;
    this.fields = { ...this.fields, destination, ...(destinationPort === undefined ? {} : { destinationPort }) };
    this.states.add('DNAT');
    this.dnat = to;
  }

  /**
   * To this namespace itself: to loopback on its way out, or else to the address of the interface by which it came in (nf_nat_redirect.c of
   * Linux). @throws Unsupported when that has none
   */
  redirect(port: number | undefined): void {
    const { inInterface, family, around } = this;
    const loopbackAddress = family === 4 ? '127.0.0.1' : '::1';
    const address = inInterface === undefined ? loopbackAddress : around.masqueradeAs?.(inInterface);
    if (address === undefined) throw new Unsupported(`the address of ${inInterface} is not known`);
    this.translateDestination({ address, ...(port === undefined ? {} : { port }) });
  }

  translateSource(source: string): void {
    this.fields = { ...this.fields, source };
    this.states.add('SNAT');
    this.snat = source;
  }

  masquerade(): void {
    const source = this.outInterface === undefined ? undefined : this.around.masqueradeAs?.(this.outInterface);
    if (source !== undefined) this.fields = { ...this.fields, source };
    this.states.add('SNAT');
    this.masqueraded = true;
  }
}

export interface Endpoint {
  readonly address: string;
  readonly port?: number;
}

/** `address`, `address:port`, `[address]:port`. */
export function parseEndpoint(text: string): Endpoint {
  const found = /^\[(.*)\]:(\d+)$/.exec(text) ?? /^([^:]*):(\d+)$/.exec(text);
  return found ? { address: found[1]!, port: Number(found[2]) } : { address: text.replace(/^\[(.*)\]$/, '$1') };
}

const addresses = new Map<string, ReturnType<typeof parseAddress>>();
const addressCacheSize = 100_000;
function addressOf(text: string): ReturnType<typeof parseAddress> {
  let address = addresses.get(text);
  if (!address) {
    if (addresses.size >= addressCacheSize) addresses.clear();
    address = parseAddress(text);
    addresses.set(text, address);
  }
  return address;
}

export const contains = (range: Cidr, address: string): boolean => cidrContains(range, addressOf(address));

/** A range, or one address without a prefix. */
export const parseRange = (text: string): Cidr =>
  parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);

const loopback = [parseCidr('127.0.0.0/8'), parseCidr('::1/128')];

export const isLocal = (address: string, around: Surroundings): boolean =>
  around.localAddresses.has(address) || loopback.some((range) => contains(range, address));

/** The kernel's list of clients under this name. */
export function clientsOf({ recent }: Surroundings, list: string): Map<string, number> {
  const clients = recent?.get(list) ?? new Map<string, number>();
  recent?.set(list, clients);
  return clients;
}
