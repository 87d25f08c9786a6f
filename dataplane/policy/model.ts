// The rules of one node as a value. It is what is written to the kernel (render.ts, update.ts), and what a test can walk a
// packet through.
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
  /** Inclusive ranges of destination ports; none: the whole protocol. */
  | { readonly match: 'ports'; readonly protocol: Protocol; readonly ranges: readonly PortRange[] }
  /** Destination address, protocol and port together. */
  | { readonly match: 'endpoint'; readonly family: Family; readonly set: string }
  /** In and out by the node's bridge of pods. */
  | { readonly match: 'across-bridge' }
  /** Source and destination together. */
  | { readonly match: 'pair'; readonly family: Family; readonly set: string };
export type PortRange = readonly [from: number, to: number];

export type Verdict =
  | { readonly verdict: 'accept' | 'drop' }
  /** Remembers that this packet was seen here, and goes on. */
  | { readonly verdict: 'mark-seen' }
  | { readonly verdict: 'jump' | 'goto'; readonly chain: string }
  /** As the map says for this address; no entry: on with the next rule. */
  | { readonly verdict: 'look-up'; readonly side: Side; readonly family: Family; readonly map: string };

export interface Rule {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** Whose rule this is; names it in a listing. */
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

/** Names to objects. Equal input gives maps of equal content; order is made when they are rendered. */
export interface PolicyPlan {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, AddressSet>;
  readonly maps: ReadonlyMap<string, VerdictMap>;
  /** The table of the bridge, whole (bridge-guard.ts); apart, since kernels can be built without. */
  readonly guard: string;
}
