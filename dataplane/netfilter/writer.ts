// The interface by which rules reach the kernel, whatever program or table they use. The types of a plan and of its changes
// belong to a compiler and its writer; this file does not fix them.

import type { DesiredRules } from './desired';

/** Calls must not overlap: the owner of the writer queues them. */
export interface RuleWriter<Plan, Dirty> {
  /**
   * `dirty` names what may differ from the plan of the last call. Repeatable; a call without differences does nothing. @throws
   * AppError (Unavailable, Unsupported) with the failed command as cause; the next call then compares everything
   */
  apply(plan: Plan, dirty: Dirty): Promise<Written>;
  /** The quick check: true when nothing seems to be missing. A few milliseconds, whatever the number of Services. */
  canaryAlive(): Promise<boolean>;
  /**
   * True where canaryAlive() notices every change by another program, however small: the thorough check is then seldom needed.
   */
  readonly noticesAll: boolean;
  /** The thorough check. After a difference the next apply() compares everything. */
  check(plan: Plan): Promise<Drift>;
  /** The plan as values, for those who show it. */
  desired(plan: Plan): DesiredRules;
  /** Removes everything of ours from the kernel. Repeatable. */
  removeAll(): Promise<void>;
}

export interface Written {
  /** True when the differences were computed against the kernel, not against the remembered state. */
  readonly full: boolean;
  /** Chains, and in nftables also sets, maps and their elements. */
  readonly chains: number;
  readonly bytes: number;
  readonly ms: number;
}

/** The differences that a check found in the kernel; empty when there are none. */
export type Drift = readonly DriftItem[];
export interface DriftItem {
  readonly table: string;
  /** A chain, or another object of a table. */
  readonly chain: string;
  readonly kind: 'missing' | 'changed' | 'extra' | 'jump-missing';
}
