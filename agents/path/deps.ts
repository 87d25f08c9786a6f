// What a question about a path needs, and what it asks. Types only.
import type { ClusterReader } from './cluster';
import type { ProbeDeps } from './probe-plan';
import type { From, To } from './question';

export interface PathDeps {
  readonly cluster: ClusterReader;
  /** cluster.local */
  readonly domain: string;
  /** An address of the machine that asks, towards a destination: the sender `outside`. */
  readonly ownAddress: (destination: string) => Promise<string>;
  /** A name as the machine that asks resolves it; undefined: it does not. Absent: only that machine could say. */
  readonly lookUp?: (name: string) => Promise<string | undefined>;
  /** Absent: nothing is sent. */
  readonly probes?: ProbeDeps;
}

export interface PathQuestion {
  readonly from: From;
  readonly to: To;
  readonly family?: 4 | 6;
  /** Of a URL: its host is not resolved, this address is used. */
  readonly connectTo?: string;
  /** As they were given. */
  readonly texts: { readonly from: string; readonly to: string };
}
