// The interface that a rule language implements, so that a packet can be traced through its rules.
import type { Family } from '../../controlplane/base/cidr';
import { AppError, Unsupported } from '../../controlplane/base/errors';
import type { Hook, RuleStep } from './journey';
import type { Traveller } from './packet';

export type Verdict = { readonly kind: 'accept' | 'drop' } | { readonly kind: 'reject'; readonly with: string };

/** A chain that the kernel itself calls, at one hook: a built-in chain of iptables, a base chain of nftables. */
export interface BaseChain {
  /** At one hook, chains run in ascending order. */
  readonly priority: number;
  /** `nat` chains run only for the first packet of a connection, until one of them has translated it. */
  readonly type: 'filter' | 'nat';
  /** Absent: packets of both families. */
  readonly family?: Family;
  /**
   * Applies the rules to the packet and changes it accordingly. Each rule that matches is one call of `record`. @throws
   * Unsupported for a rule with unknown words, and for a jump to a chain that does not exist
   */
  evaluate(packet: Traveller, record: (step: RuleStep) => void): Verdict;
}

/** The rules of one owner in one rule language, from a plan or from a listing of the kernel. */
export interface Evaluator {
  /** In any order. */
  at(hook: Hook): readonly BaseChain[];
}

/**
 * When an unknown word is refused. `eager`: when the packet enters the chain, for rules that this project writes and must know.
 * `lazy`: when the conditions before it in the rule hold, for rules of other programs. `doubtful`: never; such a rule counts as one that does
 * not match, and its step says that it may.
 */
export type Refusal = 'eager' | 'lazy' | 'doubtful';

/** Deeper nesting counts as a loop of jumps, which the kernel refuses. */
export const maxDepth = 64;

/** What `work` gives, or why that is not known: a word of the rule is not. */
export function orDoubt<T>(refusal: Refusal, work: () => T): { readonly value: T } | { readonly doubt: string } {
  if (refusal !== 'doubtful') return { value: work() };
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return { doubt: error.message.split('\n')[0]! };
  }
}

/** Adds the place of the rule to what `work` throws. */
export function located<T>(place: string, rule: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new Unsupported(`${place}: ${cause.message}\n  ${rule}`, { cause });
  }
}
