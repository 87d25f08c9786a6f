// The result for a packet, with the reasons: every rule that matched, in order, with the API object behind it.
import type { Endpoint, Fields } from './packet';

/** The names of nftables. `bridge prerouting`: a frame arrives at a port of a bridge. */
export type Hook = 'bridge prerouting' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** The object of a rule, read from its comment. */
export type ObjectRef =
  /** `port`: name of the port; absent: the only port, or all. `endpoint`: address and port that the rule leads to. */
  | { readonly kind: 'Service' | 'Pod'; readonly key: string; readonly port?: string; readonly endpoint?: string }
  /** `rule`: `ingress[0]`. */
  | { readonly kind: 'NetworkPolicy'; readonly key: string; readonly rule?: string };

/** One rule that matched, or the policy of a chain when the packet reached its end. */
export interface RuleStep {
  readonly step: 'rule';
  readonly hook: Hook;
  /** `nat` of iptables; `ip k8ts` of nftables. */
  readonly table: string;
  readonly chain: string;
  /** Counted from 1, as `iptables -L --line-numbers` does; 0: the chain's policy. */
  readonly line: number;
  /** As iptables-save prints it, or as in the transaction for nft. */
  readonly rule: string;
  readonly verdict: StepVerdict;
  readonly before: Fields;
  /** The same object as `before` when the rule changed nothing. */
  readonly after: Fields;
  readonly objects: readonly ObjectRef[];
  /** Why it is not known what this rule does: then the packet goes on as if it did nothing. */
  readonly doubt?: string;
}

/** `continue`: the next rule is evaluated. */
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

/** Connection tracking restored one end of an answer. */
export interface RestoringStep {
  readonly step: 'restoring';
  readonly hook: Hook;
  readonly before: Fields;
  readonly after: Fields;
}

export type Step = RuleStep | RoutingStep | RestoringStep;

export interface Journey {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** The kind of refusal: tcp-reset, icmp-port-unreachable. */
  readonly rejectWith?: string;
  /** True when the packet stays on this node. */
  readonly local: boolean;
  /**
   * The addresses that the receiver sees. A masqueraded packet keeps its source here unless `Surroundings.masqueradeAs` knows
   * the new one.
   */
  readonly source: string;
  readonly sourcePort?: number;
  readonly destination: string;
  readonly destinationPort?: number;
  readonly dnat?: Endpoint;
  readonly snat?: string;
  readonly masqueraded: boolean;
  readonly mark: number;
  readonly steps: readonly Step[];
}
