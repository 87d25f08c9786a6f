// From observations to what the node reports and what it must reclaim. Pure; the state of one judgement is an input of the next.
// A threshold is met when less than its amount is available. It stays met until its amount and its minimum reclaim are available.
// A node condition stays for the transition period after its last threshold was met.
import { type Observation, type Observations, type PressureCondition, signals } from './signals';
import { amountOf, type Threshold } from './thresholds';

export interface PressureState {
  /** Since when each met threshold has been met, in ms since the epoch. */
  readonly metSince: ReadonlyMap<Threshold, number>;
  /** When a threshold of each condition was last met. */
  readonly lastMet: ReadonlyMap<PressureCondition, number>;
  /** Met for their whole grace period, and not yet resolved. */
  readonly unresolved: readonly Threshold[];
}

export const noPressure: PressureState = { metSince: new Map(), lastMet: new Map(), unresolved: [] };

export interface Judgement {
  readonly state: PressureState;
  /** In the order of the Node's conditions. */
  readonly conditions: readonly PressureCondition[];
  /** What pods are evicted for, memory first. */
  readonly starved: readonly Threshold[];
}

export interface JudgementInput {
  readonly thresholds: readonly Threshold[];
  readonly observations: Observations;
  readonly before: PressureState;
  readonly transitionMs: number;
  readonly now: number;
}

export function judge({ thresholds, observations, before, transitionMs, now }: JudgementInput): Judgement {
  const met = thresholds.filter(
    (threshold) =>
      isMet(threshold, observations) || (before.unresolved.includes(threshold) && isMet(threshold, observations, true)),
  );
  const metSince = new Map(met.map((threshold) => [threshold, before.metSince.get(threshold) ?? now]));
  const lastMet = new Map(before.lastMet);
  for (const { signal } of met) lastMet.set(signals[signal].condition, now);
  const starved = met.filter((threshold) => now - metSince.get(threshold)! >= threshold.graceMs);
  return {
    state: { metSince, lastMet, unresolved: starved },
    conditions: order.filter((condition) => {
      const at = lastMet.get(condition);
      return at !== undefined && now - at < transitionMs;
    }),
    starved: [...starved.filter(isMemory), ...starved.filter((threshold) => !isMemory(threshold))],
  };
}

/** After something was reclaimed: whether every threshold has its amount and its minimum reclaim. */
export const isResolved = (thresholds: readonly Threshold[], observations: Observations): boolean =>
  !thresholds.some((threshold) => isMet(threshold, observations, true));

const order: readonly PressureCondition[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure'];
const isMemory = ({ signal }: Threshold): boolean => signals[signal].resource === 'memory';

function isMet({ signal, value, minReclaim }: Threshold, observations: Observations, withReclaim = false): boolean {
  const observed: Observation | undefined = observations[signal];
  if (!observed) return false;
  const more = withReclaim && minReclaim ? amountOf(minReclaim, observed.capacity) : 0;
  return observed.available < amountOf(value, observed.capacity) + more;
}
