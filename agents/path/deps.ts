// What a question about a path needs, and what it asks. Types only.
import type { ClusterReader } from './cluster';
import type { ProbeDeps } from './probe';
import type { From, To } from './question';

export interface PathDeps {
  readonly cluster: ClusterReader;
  /** cluster.local */
  readonly domain: string;
  /** An address of this machine, towards a destination: the sender `outside`. */
  readonly ownAddress: (destination: string) => Promise<string>;
  /** A name as this machine resolves it; undefined: it does not. */
  readonly lookUp: (name: string) => Promise<string | undefined>;
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
