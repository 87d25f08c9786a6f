// What happens to a node and its pods when the kubelet is silent. Pure.
import { conditionAfter, conditionOf, isConditionTrue, withCondition } from '../../api/conditions';
import type { Node } from '../../api/node';
import { notReadyTaint, unreachableTaint } from '../../api/node-taints';
import type { Pod } from '../../api/pod';
import { formatTime } from '../../base/clock';
import { isDeleting } from '../shared/owner';

export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];
type NodeCondition = NonNullable<NonNullable<Node['status']>['conditions']>[number];

/** After this time without a lease renewal or a status, the state of the node is unknown. */
export const graceMs = 40_000;

export type Health = 'ready' | 'not-ready' | 'unknown';

export function healthOf(node: Node): Health {
  const ready = conditionOf(node, 'Ready')?.status;
  return ready === 'True' ? 'ready' : ready === 'False' ? 'not-ready' : 'unknown';
}

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The conditions of a node whose kubelet is silent, or undefined when the node has them already. */
export function planSilence(node: Node, now: number): NodeCondition[] | undefined {
  const before: readonly NodeCondition[] = node.status?.conditions ?? [];
  let after = before;
  for (const type of watched) {
    const condition = conditionOf(node, type);
    if (condition?.status === 'Unknown') continue;
    const next = condition
      ? { ...condition, reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
      : {
          type,
          reason: 'NodeStatusNeverUpdated',
          message: 'Kubelet never posted node status.',
          lastHeartbeatTime: node.metadata?.creationTimestamp,
        };
    after = withCondition(after, { ...next, status: 'Unknown' }, now);
  }
  return after === before ? undefined : [...after];
}

/** Taints that follow from conditions, all with effect NoSchedule. */
const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const managedNoSchedule = new Set([
  ...Object.values(pressureTaints),
  unschedulableTaint,
  notReadyTaint,
  unreachableTaint,
]);
const managedNoExecute = new Set([notReadyTaint, unreachableTaint]);

/**
 * The desired taints of the node, or undefined when it has them. `mayEvict` is false while no node is ready: then the control plane
 * itself is cut off, and pods stay on their nodes.
 */
export function planTaints(node: Node, mayEvict: boolean, now: number): Taint[] | undefined {
  const before = node.spec?.taints ?? [];
  const foreign = before.filter(({ key, effect }) => {
    if (effect === 'NoSchedule') return !managedNoSchedule.has(key);
    return !(effect === 'NoExecute' && managedNoExecute.has(key));
  });
  const desired: Pick<Taint, 'key' | 'effect'>[] = [];
  const health = healthOf(node);
  // As upstream: a node without the condition, made by a user, has no taint until its time of grace is over.
  if (health !== 'ready' && conditionOf(node, 'Ready')) {
    const key = health === 'unknown' ? unreachableTaint : notReadyTaint;
    desired.push({ key, effect: 'NoSchedule' });
    if (mayEvict) desired.push({ key, effect: 'NoExecute' });
  }
  for (const [type, key] of Object.entries(pressureTaints)) {
    if (isConditionTrue(node, type)) desired.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) desired.push({ key: unschedulableTaint, effect: 'NoSchedule' });
  const managed = desired.map(
    (taint) =>
      before.find(({ key, effect }) => key === taint.key && effect === taint.effect) ?? {
        ...taint,
        timeAdded: formatTime(now),
      },
  );
  const same = managed.length + foreign.length === before.length && managed.every((taint) => before.includes(taint));
  return same ? undefined : [...foreign, ...managed];
}

/**
 * When a pod must leave a node with these taints, in ms since the epoch; undefined: it may stay. `seenMs`: since when the controller knows
 * of a taint that does not say when it was added; users' taints do not.
 */
export function evictionTime(pod: Pod, taints: readonly Taint[], now: number, seenMs = now): number | undefined {
  if (isDeleting(pod)) return undefined;
  const tolerations = pod.spec?.tolerations ?? [];
  let earliest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = tolerations.filter(
      ({ key, operator, value = '', effect }) =>
        (!effect || effect === 'NoExecute') &&
        (!key || key === taint.key) &&
        (operator === 'Exists' || (Boolean(key) && value === (taint.value ?? ''))),
    );
    if (matching.length === 0) return now;
    // As upstream: the shortest time of all matching tolerations counts. A toleration without a time never ends.
    const seconds = matching.flatMap(({ tolerationSeconds }) =>
      tolerationSeconds === undefined ? [] : [tolerationSeconds],
    );
    if (seconds.length === 0) continue;
    const since = Date.parse(taint.timeAdded ?? '') || seenMs;
    const until = since + Math.max(0, Math.min(...seconds)) * 1000;
    earliest = Math.min(earliest ?? until, until);
  }
  return earliest;
}

/** The pod's Ready condition turned False because its node is not ready, or undefined when it is not True. Its reason stays, as upstream. */
export function planNotReady(pod: Pod, now: number) {
  const ready = conditionOf(pod, 'Ready');
  return ready?.status === 'True' ? conditionAfter(ready, { ...ready, status: 'False' }, now) : undefined;
}
