// How far and how fast a target may be scaled towards what its metrics ask for. Pure.
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Rules = NonNullable<NonNullable<Spec['behavior']>['scaleUp']>;

/** What was asked for, and what was done, at earlier times: in the memory of the controller, as upstream. */
export interface History {
  readonly recommendations: readonly { readonly at: number; readonly replicas: number }[];
  /** `change` is negative when replicas were removed. */
  readonly changes: readonly { readonly at: number; readonly change: number }[];
}

/** The longest window and period that the API accepts. */
const keptMs = 3_600_000;
const defaultWindowSeconds = 300;
/** Of each list: an hour of passes, and as many again. A user who changes an autoscaler again and again causes a pass each time. */
const keptEntries = 480;
/** Without a behavior, a target at most doubles at once, or gets four replicas. */
const growth = { factor: 2, atLeast: 4 };

export const recent = (history: History, now: number): History => ({
  recommendations: history.recommendations.filter(({ at }) => at > now - keptMs).slice(-keptEntries),
  changes: history.changes.filter(({ at }) => at > now - keptMs).slice(-keptEntries),
});

export interface Limited {
  readonly replicas: number;
  /** Recent recommendations hold the target back. */
  readonly stabilized?: 'up' | 'down';
  /** The bound that was met, by the reason of condition ScalingLimited. */
  readonly bound?: 'TooManyReplicas' | 'TooFewReplicas' | 'ScaleUpLimit' | 'ScaleDownLimit';
}

/** `asked` belongs to the history of later calls; `history` has the earlier ones. */
export function limitReplicas(spec: Spec, current: number, asked: number, history: History, now: number): Limited {
  const stable = stabilize(spec, current, asked, history, now);
  const stabilized = stable === asked ? {} : { stabilized: stable > asked ? ('down' as const) : ('up' as const) };
  const { minReplicas = 1, maxReplicas } = spec;
  const most = mostReplicas(spec, current, history, now);
  const least = leastReplicas(spec, current, history, now);
  if (stable > current && most < maxReplicas && stable > most) {
    return { replicas: Math.max(most, minReplicas), bound: 'ScaleUpLimit', ...stabilized };
  }
  if (stable < current && least > minReplicas && stable < least) {
    return { replicas: Math.min(least, maxReplicas), bound: 'ScaleDownLimit', ...stabilized };
  }
  if (stable > maxReplicas) return { replicas: maxReplicas, bound: 'TooManyReplicas', ...stabilized };
  if (stable < minReplicas) return { replicas: minReplicas, bound: 'TooFewReplicas', ...stabilized };
  return { replicas: stable, ...stabilized };
}

/**
 * The lowest recommendation of the upper window, the highest of the lower one; between the two, nothing changes. Without `behavior` there is
 * only the lower window, and its highest recommendation counts even above the current size, as upstream.
 */
function stabilize({ behavior }: Spec, current: number, asked: number, history: History, now: number): number {
  const within = (seconds: number) =>
    history.recommendations.filter(({ at }) => at > now - seconds * 1000).map(({ replicas }) => replicas);
  const lowest = Math.min(asked, ...within(behavior?.scaleUp?.stabilizationWindowSeconds ?? 0));
  const highest = Math.max(asked, ...within(behavior?.scaleDown?.stabilizationWindowSeconds ?? defaultWindowSeconds));
  return behavior ? Math.min(Math.max(current, lowest), highest) : highest;
}

function mostReplicas({ behavior }: Spec, current: number, history: History, now: number): number {
  const rules = behavior?.scaleUp;
  if (!rules) return Math.max(current * growth.factor, growth.atLeast);
  return Math.max(current, upLimit(rules, current, history, now));
}

function leastReplicas({ behavior }: Spec, current: number, history: History, now: number): number {
  const rules = behavior?.scaleDown;
  return rules ? Math.min(current, downLimit(rules, current, history, now)) : 0;
}

function upLimit(rules: Rules, current: number, history: History, now: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const proposed = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const begin = atBegin(current, history, now - periodSeconds * 1000);
    return type === 'Pods' ? begin + value : Math.ceil(begin * (1 + value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(...proposed) : Math.max(...proposed);
}

function downLimit(rules: Rules, current: number, history: History, now: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const proposed = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const begin = atBegin(current, history, now - periodSeconds * 1000);
    return type === 'Pods' ? begin - value : Math.trunc(begin * (1 - value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.max(...proposed) : Math.min(...proposed);
}

/** The number of replicas when the period began. */
const atBegin = (current: number, { changes }: History, since: number): number =>
  changes.filter(({ at }) => at > since).reduce((replicas, { change }) => replicas - change, current);
