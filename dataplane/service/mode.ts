// The proxy modes, and the interface of their compilers. A plan goes to the RuleWriter of the same mode (dataplane/netfilter);
// the owner of compiler and writer passes it on without knowing its type.
import type { NodeFacts, ServiceInput } from './input';

export const proxyModes = ['iptables', 'nftables'] as const;
export type ProxyMode = (typeof proxyModes)[number];

/** Compiles one address family. Pure and incremental: equal input gives an equal plan, whatever the order of changes. */
export interface RuleCompiler<Plan, Dirty> {
  /** Adds or replaces a Service; undefined removes it. */
  set(key: string, input: ServiceInput | undefined): void;
  /** New facts compile everything again; a chain with the same result is not dirty. */
  setFacts(facts: NodeFacts): void;
  readonly services: ReadonlyMap<string, ServiceInput>;
  /** The desired content of the kernel, and its changes since the last call. */
  take(): { readonly plan: Plan; readonly dirty: Dirty };
  /** Rules per table, for metrics. */
  readonly ruleCounts: ReadonlyMap<string, number>;
}
