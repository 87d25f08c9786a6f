// The rules of one node as a value. render.ts and update.ts write them to the kernel; dataplane/path evaluates packets on them.
import type { Family } from '../../controlplane/base/cidr';
import type { Protocol } from './input';

export type Side = 'source' | 'destination';

export type Match =
  /** A packet of a connection that was let through, or an ICMP error about one. */
  | { readonly match: 'answer' }
  | { readonly match: 'in'; readonly side: Side; readonly family: Family; readonly set: string }
  | {
      readonly match: 'block';
      readonly side: Side;
      readonly family: Family;
      readonly cidr: string;
      readonly except: readonly string[];
    }
  /** Inclusive ranges of destination ports; none: every port of the protocol. */
  | { readonly match: 'ports'; readonly protocol: Protocol; readonly ranges: readonly PortRange[] }
  /** Destination address, protocol and port together. */
  | { readonly match: 'endpoint'; readonly family: Family; readonly set: string }
  /** The packet enters and leaves through the node's bridge of pods. */
  | { readonly match: 'across-bridge' }
  /** Source and destination together. */
  | { readonly match: 'pair'; readonly family: Family; readonly set: string };
export type PortRange = readonly [from: number, to: number];

export type Verdict =
  | { readonly verdict: 'accept' | 'drop' }
  /** Marks the packet as seen by these rules; evaluation continues with the next rule. */
  | { readonly verdict: 'mark-seen' }
  | { readonly verdict: 'jump' | 'goto'; readonly chain: string }
  /** The verdict that the map has for this address; without an entry, evaluation continues with the next rule. */
  | { readonly verdict: 'look-up'; readonly side: Side; readonly family: Family; readonly map: string };

export interface Rule {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** The policy or purpose of the rule; shown in a listing. */
  readonly comment: string;
}

export interface Chain {
  /** Base chains only. */
  readonly hook?: { readonly name: 'forward' | 'input'; readonly priority: number };
  readonly rules: readonly Rule[];
}

/** What a set holds: addresses, address pairs, or address, protocol and port. */
export type SetKind = 'address' | 'pair' | 'endpoint';
export interface AddressSet {
  readonly family: Family;
  readonly kind: SetKind;
  /** As the kernel's tools print them: `10.0.0.1`, `10.0.0.1 . 10.0.0.1`, `10.0.0.1 . tcp . 80`. */
  readonly elements: ReadonlySet<string>;
}
export interface VerdictMap {
  readonly family: Family;
  /** Address to `accept` or `goto CHAIN`. */
  readonly elements: ReadonlyMap<string, string>;
}

/** Name → object. Equal input gives maps of equal content; rendering sorts them. */
export interface PolicyPlan {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, AddressSet>;
  readonly maps: ReadonlyMap<string, VerdictMap>;
  /** The text of the bridge's table (bridge-guard.ts). Separate, because some kernels are built without tables for bridges. */
  readonly guard: string;
}
