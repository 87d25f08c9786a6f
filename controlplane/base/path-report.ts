// The result of `k8ts path` and of a PacketPath: hops over all machines in order, both ways, and one verdict. agents/path makes it and has its
// JSON Schema (agents/path/schema.json); the API and the page of the console pass it on and draw it. Types only.
import type { Hop, HopPacket } from './hops';

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
}
