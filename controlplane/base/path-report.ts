// The result of `k8ts path` and of a PacketPath: hops over all machines in order, both ways, and one verdict. agents/path makes it and has its
// JSON Schema (agents/path/schema.json); the API and the page of the console pass it on and draw it. Types only.
import type { Hop, HopPacket, HopRule } from './hops';

/** `name`: the look-up of the name, at the name server. `request`, `answer`: the packet and what comes back. `upstream`: from the Ingress on. */
export type Leg = 'name' | 'request' | 'upstream' | 'answer';

export interface LocatedHop extends Hop {
  readonly leg: Leg;
  /** The node that it is on; absent for what no node does. */
  readonly node?: string;
}

export interface Verdict {
  /** `unsure`: something is doubtful or unknown, and no probe could decide. */
  readonly works: 'yes' | 'no' | 'unsure';
  /** What is wrong: the code of the first hop's fault. */
  readonly code?: string;
  /** Its index in `hops`. */
  readonly hop?: number;
  readonly sentence: string;
  readonly remedy?: string;
}

export interface PathReport {
  readonly apiVersion: 'path.k8ts.io/v1alpha1';
  readonly kind: 'PathReport';
  readonly from: string;
  readonly to: string;
  readonly hops: readonly LocatedHop[];
  /** As its receiver sees the first packet; absent when it does not arrive. */
  readonly delivered?: HopPacket;
  /** False: nothing was sent. The verdict follows from objects and from what the nodes' kernels hold. */
  readonly probed: boolean;
  readonly verdict: Verdict;
  /** Present when a manifest was tried out. The fields above are the path as it is today. */
  readonly whatIf?: WhatIfReport;
}

/** The path as it would be with a manifest. Nothing is sent along it: no kernel has these rules. */
export interface WhatIfReport {
  readonly objects: readonly ObjectChange[];
  readonly hops: readonly LocatedHop[];
  readonly delivered?: HopPacket;
  readonly verdict: Verdict;
  /** Hops that differ, in the order of the way; empty: none does. */
  readonly changes: readonly HopChange[];
  /** What the manifest would do to this path. */
  readonly sentence: string;
}

export interface ObjectChange {
  /** `Service shop/web` */
  readonly object: string;
  /** `ignored`: this kind changes no packet's way. `derived`: not in the manifest, but a controller would change it. */
  readonly change: 'created' | 'changed' | 'unchanged' | 'deleted' | 'derived' | 'ignored';
  readonly note?: string;
}

export interface HopChange {
  /** Its index in the hops of today; absent: there is no such hop today. */
  readonly before?: number;
  /** Its index in the hops as they would be; absent: there would be none. */
  readonly after?: number;
  /** Rules that the packet meets there today, and would no longer meet. */
  readonly rulesGone: readonly HopRule[];
  /** Rules that it would meet, and does not today. */
  readonly rulesNew: readonly HopRule[];
}
