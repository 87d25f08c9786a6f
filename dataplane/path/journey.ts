// What became of a packet, and why: every rule that matched, in order, with the object of the API behind it.
import type { Endpoint, Fields } from './packet';

/** As nftables names them. `bridge prerouting`: a frame comes in by a port of a bridge. */
export type Hook = 'bridge prerouting' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** The object a rule comes from, as its comment says. */
export type ObjectRef =
  /** `port`: name of the port; absent: the only port, or all. `endpoint`: address and port that the rule leads to. */
  | { readonly kind: 'Service' | 'Pod'; readonly key: string; readonly port?: string; readonly endpoint?: string }
  /** `rule`: `ingress[0]`. */
  | { readonly kind: 'NetworkPolicy'; readonly key: string; readonly rule?: string };

/** One rule that matched, or the policy of a chain whose end the packet reached. */
export interface RuleStep {
  readonly step: 'rule';
  readonly hook: Hook;
  /** `nat` of iptables; `ip k8ts` of nftables. */
  readonly table: string;
  readonly chain: string;
  /** Counted from 1, as `iptables -L --line-numbers` does; 0: the chain's policy. */
  readonly line: number;
  /** As iptables-save prints it, or as it was given to nft. */
  readonly rule: string;
  readonly verdict: StepVerdict;
  readonly before: Fields;
  /** The same value as `before` where the rule changed nothing. */
  readonly after: Fields;
  readonly objects: readonly ObjectRef[];
}

/** `continue`: the next rule is asked. */
export type StepVerdict =
  | 'accept'
  | 'drop'
  | 'reject'
  | 'return'
  | 'continue'
  | 'jump'
  | 'goto'
  | 'dnat'
  | 'snat'
  | 'masquerade';

export interface RoutingStep {
  readonly step: 'routing';
  /** True when a process of this node receives the packet. */
  readonly local: boolean;
  readonly destination: string;
  readonly outInterface?: string;
}

export type Step = RuleStep | RoutingStep;

export interface Journey {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** How it is refused: tcp-reset, icmp-port-unreachable. */
  readonly rejectWith?: string;
  /** True when it stays on this node. */
  readonly local: boolean;
  /** As the receiver sees them. A masqueraded packet keeps its source here unless `Surroundings.masqueradeAs` knows the new one. */
  readonly source: string;
  readonly destination: string;
  readonly destinationPort?: number;
  readonly dnat?: Endpoint;
  readonly snat?: string;
  readonly masqueraded: boolean;
  readonly mark: number;
  readonly steps: readonly Step[];
}
