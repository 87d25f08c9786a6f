// A packet as the tracer sees it, and what is true around it.
import type { CtState, Rule, Table, TcpFlag } from './model';

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Where it arrived; absent: a process of this node sent it. */
  readonly inInterface?: string;
  /** What conntrack says of it; default ['NEW']. Only new packets pass table nat. */
  readonly states?: readonly CtState[];
  readonly mark?: number;
  /** Default: SYN alone, the first packet of a connection. */
  readonly tcpFlags?: readonly TcpFlag[];
}

export interface Surroundings {
  /** Addresses of this node; loopback always counts. */
  readonly localAddresses: ReadonlySet<string>;
  /** The interface a destination is reached through. */
  readonly route?: (destination: string) => string;
  /** In [0, 1): decides `statistic`. */
  readonly random: () => number;
  /** Seconds, for `recent`. */
  readonly now?: () => number;
  /** What `recent` remembers: list name to source address to the time it was last seen. Changed by the tracer. */
  readonly recent?: Map<string, Map<string, number>>;
}

/** One rule that matched, in order of the walk. */
export interface Step {
  readonly table: Table;
  readonly hook: Hook;
  readonly chain: string;
  /** Counted from 1, as `iptables -L --line-numbers` does. */
  readonly line: number;
  readonly rule: Rule;
}

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

export interface Journey {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** How it is refused: tcp-reset, icmp-port-unreachable. */
  readonly rejectWith?: string;
  /** True when it stays on this node. */
  readonly local: boolean;
  /** As the receiver sees them. The source of a masqueraded packet is only known to be an address of this node. */
  readonly source: string;
  readonly destination: string;
  readonly destinationPort?: number;
  readonly dnat?: { readonly address: string; readonly port?: number };
  readonly snat?: string;
  readonly masqueraded: boolean;
  readonly mark: number;
  readonly steps: readonly Step[];
}
