// How many replicas each ReplicaSet of a Deployment may have: the arithmetic of rolling updates and of proportional
// scaling, as documented for Deployments (maxSurge, maxUnavailable, "Proportional scaling").
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { parseInt32 } from '../../base/integers';
import { desiredAnnotation, maxAnnotation } from './revision';

export const replicasOf = ({ spec }: ReplicaSet | Deployment): number => spec?.replicas ?? 1;
export const availableOf = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
export const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);
export const isRolling = ({ spec }: Deployment): boolean => spec?.strategy?.type !== 'Recreate';

/** Percentages of replicas: surge rounds up, unavailable rounds down. If both are zero, one pod may be unavailable: else no progress. */
export function limits(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const replicas = replicasOf(deployment);
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  return { maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) };
}

function resolve(value: number | string, total: number, round: (x: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value);
  return percent ? round((Number(percent[1]) * total) / 100) : 0;
}

/** How many replicas the newest set may have now, given all sets of the Deployment. */
export function newSetReplicas(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): number {
  const desired = replicasOf(deployment);
  if (!isRolling(deployment)) return desired;
  const current = newSet ? replicasOf(newSet) : 0;
  const room = desired + limits(deployment).maxSurge - sum(all, replicasOf);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** A status may be older than the spec: replicas that the set is about to lose do not count. */
const remainingOf = (set: ReplicaSet): number => Math.min(availableOf(set), replicasOf(set));

/**
 * How the old sets shrink in a rolling update: unhealthy replicas first, since they serve no requests, then as many as the
 * available ones above the minimum allow.
 */
export function shrinkOldSets(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  if (sum(old, replicasOf) === 0) return [];
  const all = [...old, newSet];
  const minAvailable = replicasOf(deployment) - limits(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - remainingOf(newSet);
  let budget = sum(all, replicasOf) - minAvailable - newUnavailable;
  if (budget <= 0) return [];
  const size = new Map(old.map((set) => [set, replicasOf(set)]));
  const byAge = [...old].sort(olderFirst);
  for (const set of byAge) {
    const unhealthy = Math.min(budget, size.get(set)! - remainingOf(set));
    size.set(set, size.get(set)! - unhealthy);
    budget -= unhealthy;
  }
  let spare = sum(all, remainingOf) - minAvailable;
  for (const set of byAge) {
    if (spare <= 0) break;
    const fewer = Math.min(spare, size.get(set)!);
    size.set(set, size.get(set)! - fewer);
    spare -= fewer;
  }
  return byAge
    .map((set) => ({ set, replicas: size.get(set)! }))
    .filter(({ set, replicas }) => replicas !== replicasOf(set));
}

/** True when the number of replicas of the Deployment was changed since its sets were last sized. */
export function wasRescaled(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all
    .filter((set) => replicasOf(set) > 0)
    .some((set) => {
      const desired = parseInt32(set.metadata?.annotations?.[desiredAnnotation]);
      return desired !== undefined && desired !== replicasOf(deployment);
    });
}

/** The size of each set after the Deployment is scaled, also during a rollout or while paused. */
export function rescale(deployment: Deployment, newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): Resize[] {
  const desired = replicasOf(deployment);
  const all = newSet ? [...old, newSet] : [...old];
  const active = all.filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? [...old].sort(olderFirst).at(-1);
    return only ? [{ set: only, replicas: desired }] : [];
  }
  if (newSet && isSaturated(deployment, newSet)) {
    return active.filter((set) => set !== newSet).map((set) => ({ set, replicas: 0 }));
  }
  return isRolling(deployment) ? proportional(deployment, active) : [];
}

/** The newest set has all desired replicas available: the other sets may shrink to 0 in any state. */
function isSaturated(deployment: Deployment, newSet: ReplicaSet): boolean {
  const desired = replicasOf(deployment);
  return (
    replicasOf(newSet) === desired &&
    parseInt32(newSet.metadata?.annotations?.[desiredAnnotation]) === desired &&
    availableOf(newSet) === desired
  );
}

/** Spreads the difference over the active sets by their size, so that a rollout keeps its proportions; larger sets first. */
function proportional(deployment: Deployment, active: readonly ReplicaSet[]): Resize[] {
  const desired = replicasOf(deployment);
  const ceiling = desired > 0 ? desired + limits(deployment).maxSurge : 0;
  const difference = ceiling - sum(active, replicasOf);
  const order = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (difference > 0 ? olderFirst(b, a) : olderFirst(a, b)),
  );
  let given = 0;
  const resized = order.map((set) => {
    const share = shareOf(set, deployment, ceiling);
    const part =
      difference > 0
        ? Math.max(0, Math.min(share, difference - given))
        : Math.min(0, Math.max(share, difference - given));
    given += part;
    return { set, replicas: replicasOf(set) + part };
  });
  const first = resized[0];
  if (first) resized[0] = { set: first.set, replicas: Math.max(0, first.replicas + difference - given) };
  return resized;
}

/** The change of this set when the maximum of the Deployment changes from the one the set was sized for to the current one. */
function shareOf(set: ReplicaSet, deployment: Deployment, ceiling: number): number {
  if (replicasOf(deployment) === 0) return -replicasOf(set);
  const sizedFor = parseInt32(set.metadata?.annotations?.[maxAnnotation]) ?? 0;
  const before = sizedFor > 0 ? sizedFor : (deployment.status?.replicas ?? 0);
  return before > 0 ? Math.round((replicasOf(set) * ceiling) / before) - replicasOf(set) : 0;
}

export function olderFirst(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
