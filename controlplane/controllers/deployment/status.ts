// The status of a Deployment and the progress of its rollout, with the conditions and reasons that `kubectl rollout status` reads.
import { isDeepStrictEqual } from 'node:util';
import { conditionAfter, withoutCondition } from '../../api/conditions';
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { formatTime } from '../../base/clock';
import { availableOf, limits, replicasOf, sum } from './scaling';

type DeploymentStatus = NonNullable<Deployment['status']>;
type DeploymentCondition = NonNullable<DeploymentStatus['conditions']>[number];
export interface StatusPlan {
  /** Undefined when the stored status is right already. */
  readonly status?: DeploymentStatus;
  readonly complete: boolean;
  /** When to check the progress deadline again, in ms from now. */
  readonly againInMs?: number;
}

export interface StatusInput {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly collisionCount?: number;
  /** The name of the newest set, if this pass creates it: a new rollout starts. */
  readonly creates?: string | undefined;
  readonly now: number;
}

export function planStatus(input: StatusInput): StatusPlan {
  const { deployment, newSet, old, now } = input;
  const counts = count(input);
  const complete = isComplete(deployment, counts);
  let conditions: readonly DeploymentCondition[] = deployment.status?.conditions ?? [];
  conditions = setCondition(conditions, availability(deployment, counts), now);
  conditions = progress(input, counts, complete, conditions);
  const failure = [newSet, ...old]
    .flatMap((set) => set?.status?.conditions ?? [])
    .find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  conditions = failure
    ? setCondition(
        conditions,
        { type: 'ReplicaFailure', status: 'True', reason: failure.reason, message: failure.message },
        now,
      )
    : withoutCondition(conditions, 'ReplicaFailure');
  const status: DeploymentStatus = { ...counts, conditions: [...conditions] };
  const againInMs = deadlineIn(deployment, complete, conditions, now);
  if (isDeepStrictEqual(withoutZeros(deployment.status), withoutZeros(status))) return { complete, againInMs };
  return { status, complete, againInMs };
}

function count({ deployment, newSet, old, collisionCount }: StatusInput): DeploymentStatus {
  const all = newSet ? [...old, newSet] : [...old];
  const available = sum(all, availableOf);
  const collisions = collisionCount ?? deployment.status?.collisionCount;
  return {
    observedGeneration: deployment.metadata?.generation,
    replicas: sum(all, ({ status }) => status?.replicas ?? 0) || undefined,
    updatedReplicas: newSet?.status?.replicas || undefined,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas ?? 0) || undefined,
    availableReplicas: available || undefined,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available) || undefined,
    terminatingReplicas: sum(all, ({ status }) => status?.terminatingReplicas ?? 0),
    ...(collisions === undefined ? {} : { collisionCount: collisions }),
  };
}

/** All desired replicas have the newest template and are available, and no old replica is left. */
function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const desired = replicasOf(deployment);
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = counts;
  return updatedReplicas === desired && replicas === desired && availableReplicas === desired;
}

function availability(
  deployment: Deployment,
  counts: DeploymentStatus,
): Omit<DeploymentCondition, 'lastTransitionTime'> {
  const enough = (counts.availableReplicas ?? 0) >= replicasOf(deployment) - limits(deployment).maxUnavailable;
  return enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

const hasDeadline = ({ spec }: Deployment): boolean => (spec?.progressDeadlineSeconds ?? 600) < 2147483647;

function progress(
  { deployment, newSet, creates, now }: StatusInput,
  counts: DeploymentStatus,
  complete: boolean,
  conditions: readonly DeploymentCondition[],
): readonly DeploymentCondition[] {
  if (!hasDeadline(deployment)) return withoutCondition(conditions, 'Progressing');
  const current = conditions.find(({ type }) => type === 'Progressing');
  const subject = newSet ? `ReplicaSet "${newSet.metadata?.name}"` : `Deployment "${deployment.metadata?.name}"`;
  const set = (status: string, reason: string, message: string, renew = false) =>
    setCondition(conditions, { type: 'Progressing', status, reason, message }, now, renew);
  if (deployment.spec?.paused) {
    return current?.reason === 'DeploymentPaused'
      ? conditions
      : set('Unknown', 'DeploymentPaused', 'Deployment is paused');
  }
  if (creates !== undefined) return set('True', 'NewReplicaSetCreated', `Created new replica set "${creates}"`);
  if (current?.reason === 'DeploymentPaused') return set('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  // A finished rollout stays finished through pod failures; only a new template, or a scale, makes it progress again.
  if (counts.replicas === counts.updatedReplicas && current?.reason === 'NewReplicaSetAvailable') return conditions;
  if (complete) return set('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
  if (hasProgressed(deployment.status, counts))
    return set('True', 'ReplicaSetUpdated', `${subject} is progressing.`, true);
  if (current?.reason === 'NewReplicaSetAvailable') {
    // The template has changed since: a new rollout starts, with its own deadline.
    return newSet
      ? set('True', 'NewReplicaSetCreated', `Created new replica set "${newSet.metadata?.name}"`, true)
      : conditions;
  }
  if (!current)
    return newSet
      ? set('True', 'NewReplicaSetCreated', `Created new replica set "${newSet.metadata?.name}"`)
      : conditions;
  if (hasTimedOut(deployment, current, now))
    return set('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  return conditions;
}

/** The status of a Deployment whose newest set cannot be created; undefined when it says so already, or has no deadline. */
export function creationFailure(deployment: Deployment, message: string, now: number): DeploymentStatus | undefined {
  const before = deployment.status?.conditions ?? [];
  if (!hasDeadline(deployment)) return undefined;
  const failure = { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message };
  const conditions = setCondition(before, failure, now);
  return conditions === before ? undefined : { ...deployment.status, conditions: [...conditions] };
}

function hasProgressed(before: Deployment['status'], after: DeploymentStatus): boolean {
  const of = (
    status: Deployment['status'],
    name: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas' | 'replicas',
  ) => status?.[name] ?? 0;
  const oldPods = (status: Deployment['status']) => of(status, 'replicas') - of(status, 'updatedReplicas');
  return (
    of(after, 'updatedReplicas') > of(before, 'updatedReplicas') ||
    oldPods(after) < oldPods(before) ||
    of(after, 'readyReplicas') > of(before, 'readyReplicas') ||
    of(after, 'availableReplicas') > of(before, 'availableReplicas')
  );
}

function hasTimedOut(deployment: Deployment, current: DeploymentCondition, now: number): boolean {
  if (current.reason === 'ProgressDeadlineExceeded') return false;
  return now >= deadlineOf(deployment, current);
}

const deadlineOf = ({ spec }: Deployment, { lastUpdateTime }: DeploymentCondition): number =>
  Date.parse(lastUpdateTime ?? '') + (spec?.progressDeadlineSeconds ?? 600) * 1000;

function deadlineIn(
  deployment: Deployment,
  complete: boolean,
  conditions: readonly DeploymentCondition[],
  now: number,
): number | undefined {
  const current = conditions.find(({ type }) => type === 'Progressing');
  const settled = ['NewReplicaSetAvailable', 'ProgressDeadlineExceeded', 'DeploymentPaused'];
  if (!hasDeadline(deployment) || complete || !current || settled.includes(current.reason ?? '')) return undefined;
  // Times on the wire are whole seconds: one second more ensures that the deadline has passed.
  return Math.max(1000, deadlineOf(deployment, current) - now + 1000);
}

/** `renew` moves lastUpdateTime even when nothing else changes: progress was made. */
function setCondition(
  conditions: readonly DeploymentCondition[],
  next: Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>,
  now: number,
  renew = false,
): readonly DeploymentCondition[] {
  const before = conditions.find(({ type }) => type === next.type);
  if (before?.status === next.status && before.reason === next.reason && !renew) return conditions;
  const after = conditionAfter(before, { ...next, lastUpdateTime: formatTime(now) }, now);
  return [...conditions.filter(({ type }) => type !== next.type), after];
}

/** Most counts of zero are omitted, as upstream does. */
function withoutZeros(status: Deployment['status']): unknown {
  return Object.fromEntries(
    Object.entries(status ?? {}).filter(
      ([name, value]) => value !== undefined && (value !== 0 || name === 'collisionCount'),
    ),
  );
}
