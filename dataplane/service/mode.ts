// The proxy modes, and what a compiler of one of them is. Its plan goes to the RuleWriter of the same mode (dataplane/netfilter);
// the owner of the pair passes the plan on without knowing what it is.
import type { NodeFacts, ServiceInput } from './input';

export const proxyModes = ['iptables', 'nftables'] as const;
export type ProxyMode = (typeof proxyModes)[number];

/** One address family. Pure, incremental; equal input gives an equal plan whatever the way to it. */
export interface RuleCompiler<Plan, Dirty> {
  /** Adds or replaces a Service; undefined removes it. */
  set(key: string, input: ServiceInput | undefined): void;
  /** New facts compile everything again; what comes out the same is not dirty. */
  setFacts(facts: NodeFacts): void;
  readonly services: ReadonlyMap<string, ServiceInput>;
  /** What the kernel should hold, and what of it changed since the last call. */
  take(): { readonly plan: Plan; readonly dirty: Dirty };
  /** Rules per table, for metrics. */
  readonly ruleCounts: ReadonlyMap<string, number>;
}
