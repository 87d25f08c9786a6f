// The status of a StatefulSet, from its pods. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { StatefulSet } from '../../api/stateful-set';
import { isDeleting } from '../shared/owner';
import { availability } from '../shared/pod';
import { isRunningAndReady } from './health';
import { isMember, replicasOf, revisionOf } from './identity';
import type { StatefulSetInput, StatefulSetPlan } from './plan';

type Status = NonNullable<StatefulSet['status']>;

export function planStatus({
  set,
  pods,
  current,
  update,
  now,
}: StatefulSetInput): Pick<StatefulSetPlan, 'status' | 'againInMs'> {
  const counts = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
  const soon: number[] = [];
  for (const pod of pods) {
    // A pod without a phase was created a moment ago.
    if (!isMember(set, pod) || !pod.status?.phase) continue;
    counts.replicas++;
    if (isRunningAndReady(pod)) {
      counts.ready++;
      const { available, inMs } = availability(pod, set.spec?.minReadySeconds ?? 0, now);
      if (available) counts.available++;
      if (inMs !== undefined) soon.push(inMs);
    }
    if (isDeleting(pod)) continue;
    if (revisionOf(pod) === current) counts.current++;
    if (revisionOf(pod) === update) counts.updated++;
  }
  const desired = replicasOf(set);
  const isRolling = set.spec?.updateStrategy?.type === 'RollingUpdate';
  // The update is over: the revision of the template is now the one that the set comes from.
  const isOver = [counts.updated, counts.ready, counts.replicas].every((count) => count === desired);
  const moves = isRolling && isOver && current !== update;
  const status: Status = {
    observedGeneration: set.metadata?.generation,
    replicas: counts.replicas,
    readyReplicas: counts.ready || undefined,
    currentReplicas: (moves ? counts.updated : counts.current) || undefined,
    updatedReplicas: counts.updated || undefined,
    currentRevision: moves ? update : current,
    updateRevision: update,
    collisionCount: set.status?.collisionCount ?? 0,
    availableReplicas: counts.available,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
  const isSame = isDeepStrictEqual(set.status, JSON.parse(JSON.stringify(status)));
  return { ...(isSame ? {} : { status }), ...(soon.length > 0 ? { againInMs: Math.min(...soon) } : {}) };
}
