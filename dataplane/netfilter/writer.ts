// The interface by which rules reach the kernel, whatever program or table they go through. What a plan is, and what is said to
// have changed in it, is between a compiler and its writer.

/** Calls must not overlap: the owner of the writer queues them. */
export interface RuleWriter<Plan, Dirty> {
  /**
   * `dirty` names what may differ from the last call's plan. Repeatable; nothing to do costs nothing.
   * @throws AppError (Unavailable, Unsupported) with the failed command as cause; the next call is then a full one
   */
  apply(plan: Plan, dirty: Dirty): Promise<Written>;
  /** The quick check, a few milliseconds whatever the number of Services: true when nothing seems to be gone. */
  canaryAlive(): Promise<boolean>;
  /** True where canaryAlive() notices every change by others, however small: the thorough check is then seldom needed. */
  readonly noticesAll: boolean;
  /** The thorough check. What it finds makes the next apply() a full one. */
  check(plan: Plan): Promise<Drift>;
  /** Takes everything of ours out of the kernel. Repeatable. */
  removeAll(): Promise<void>;
}

export interface Written {
  /** True when it was computed against the kernel, not against what was remembered. */
  readonly full: boolean;
  /** Chains, and in nftables also sets, maps and their elements. */
  readonly chains: number;
  readonly bytes: number;
  readonly ms: number;
}

/** What a check found wrong in the kernel; empty when nothing. */
export type Drift = readonly DriftItem[];
export interface DriftItem {
  readonly table: string;
  /** A chain, or what else a table holds. */
  readonly chain: string;
  readonly kind: 'missing' | 'changed' | 'extra' | 'jump-missing';
}
