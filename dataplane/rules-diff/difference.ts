// One difference between the desired rules and the kernel, and lists of them that stay short.
import type { Family } from '../../controlplane/base/cidr';
import type { Mode } from '../netfilter/backend';
import type { ObjectRef } from '../path/journey';

export type Kind = 'missing' | 'extra' | 'changed';

export interface Difference {
  readonly kind: Kind;
  readonly what: 'rule' | 'jump' | 'chain' | 'set' | 'table' | 'element';
  readonly program: 'iptables' | 'ip6tables' | 'nft';
  /** Of iptables. */
  readonly backend?: Mode;
  /** `nat` of iptables; `ip k8ts` of nftables. */
  readonly table: string;
  /** Absent: the whole table. With `what` element: the set or map. */
  readonly chain?: string;
  /** Counted from 1. Absent: not a rule in a chain. */
  readonly line?: number;
  /** Of a chain or table that is missing or not desired: how many rules, and in a table how many chains and sets. */
  readonly size?: number;
  readonly desired?: string;
  readonly actual?: string;
  readonly objects: readonly ObjectRef[];
}

export const programOf = (family: Family): 'iptables' | 'ip6tables' => (family === 4 ? 'iptables' : 'ip6tables');

/** The first of many, and how many there are. */
export interface Bounded<T> {
  readonly count: number;
  readonly first: readonly T[];
}

/** So many of each kind are named. */
export const maxNamed = 20;

export const bounded = <T>(items: readonly T[], max = maxNamed): Bounded<T> => ({
  count: items.length,
  first: items.slice(0, max),
});

/** Equal for equal differences of two readings. */
export const identityOf = ({ kind, what, program, backend, table, chain, desired, actual }: Difference): string =>
  JSON.stringify([kind, what, program, backend, table, chain, desired, actual]);
