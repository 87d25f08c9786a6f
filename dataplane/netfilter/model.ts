// Rules as values. A rule is one line of iptables-save, parsed far enough to be rendered to the same line and to be evaluated on
// a packet. Matches and targets that the parser does not know (in foreign lines) stay as text.
import type { Family } from '../../controlplane/base/cidr';

export type { Family };
export type Table = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** A value that must match, or with `not` must not. */
export interface Term<T> {
  readonly not?: true;
  readonly is: T;
}

export type Match =
  | { readonly match: 'comment'; readonly text: string }
  /** One port or an inclusive range. */
  | {
      readonly match: 'port';
      readonly protocol: Protocol;
      readonly side: 'source' | 'destination';
      readonly not?: true;
      readonly from: number;
      readonly to: number;
    }
  /** Among the flags in `mask`, exactly the flags in `set` are on. */
  | {
      readonly match: 'tcpFlags';
      readonly not?: true;
      readonly mask: readonly TcpFlag[];
      readonly set: readonly TcpFlag[];
    }
  | { readonly match: 'mark'; readonly not?: true; readonly value: number; readonly mask: number }
  | { readonly match: 'conntrack'; readonly not?: true; readonly states: readonly CtState[] }
  | { readonly match: 'addrtype'; readonly side: 'source' | 'destination'; readonly not?: true; readonly type: string }
  /** True with this probability. The kernel keeps it in steps of 2^-31. */
  | { readonly match: 'statistic'; readonly probability: number }
  /** A list of source addresses with times, which the kernel keeps under `name`. */
  | {
      readonly match: 'recent';
      readonly op: 'set' | 'update' | 'rcheck';
      readonly name: string;
      readonly seconds?: number;
      readonly reap?: true;
    }
  | { readonly match: 'opaque'; readonly text: string };

/** In the order iptables-save prints them. */
export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK' | 'URG';

export type CtState = 'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';

export type Target =
  | { readonly target: 'accept' }
  | { readonly target: 'drop' }
  | { readonly target: 'return' }
  | { readonly target: 'jump'; readonly chain: string }
  | { readonly target: 'goto'; readonly chain: string }
  /** Address, or address:port. */
  | { readonly target: 'dnat'; readonly to: string }
  | { readonly target: 'snat'; readonly to: string }
  | { readonly target: 'masquerade'; readonly randomFully?: true }
  /** mark = (mark and not mask) xor value */
  | { readonly target: 'mark'; readonly value: number; readonly mask: number }
  | { readonly target: 'reject'; readonly with: string }
  /** A rule without a target only counts. */
  | { readonly target: 'none' }
  | { readonly target: 'opaque'; readonly text: string };

export interface Rule {
  readonly source?: Term<string>;
  readonly destination?: Term<string>;
  readonly inInterface?: Term<string>;
  readonly outInterface?: Term<string>;
  readonly protocol?: Term<string>;
  /** Evaluated left to right. A match with a side effect (recent) is evaluated only when all matches before it hold. */
  readonly matches?: readonly Match[];
  readonly action: Target;
}

/** Only built-in chains have a policy. */
export interface Chain {
  readonly name: string;
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly rules: readonly Rule[];
}

/** Table → chain name → chain. */
export type RuleSet = ReadonlyMap<Table, ReadonlyMap<string, Chain>>;
