// From a StatefulSet and its pods to the steps of one pass. Pure: no I/O, no clock.
//
// OrderedReady: pods are created from the lowest ordinal up, each when all before it are available; deleted from the highest down; and
// replaced only while all are available. So an update whose first pod never becomes ready stops there, also when the template is set back:
// that pod has to be deleted by hand, as upstream documents. Parallel: nothing waits for another pod, except for maxUnavailable.
import type { Pod } from '../../api/pod';
import type { StatefulSet } from '../../api/stateful-set';
import { isDeleting } from '../shared/owner';
import { deletedClaim, type FindClaim, missingClaims, type Ownership, planOwnership, waitsForClaims } from './claims';
import { hasEnded, isAvailable, isRunningAndReady } from './health';
import { hasIdentity, isDesired, ordinalOf, replicasOf, startOf } from './identity';
import { planStatus } from './status';
import { planUpdate } from './update';

export type Step =
  | { readonly action: 'create'; readonly ordinal: number; readonly revision: 'current' | 'update' }
  /** A claim of the pod is being deleted. */
  | { readonly action: 'refuse'; readonly ordinal: number; readonly claim: string }
  | { readonly action: 'delete'; readonly pod: Pod }
  /** Writes the labels of its identity again. */
  | { readonly action: 'identify'; readonly pod: Pod; readonly ordinal: number }
  /** Creates the claims that a waiting pod lacks. */
  | { readonly action: 'claim'; readonly ordinal: number }
  /** `updates`: the name of the pod, on the first of its claims, unless the pod goes because the set shrinks. */
  | ({ readonly action: 'own'; readonly updates?: string | undefined } & Ownership);

export interface StatefulSetInput {
  readonly set: StatefulSet;
  /** The pods it owns. */
  readonly pods: readonly Pod[];
  readonly findClaim: FindClaim;
  /** Names of its revisions: the one that it comes from, and that of its template. */
  readonly current: string;
  readonly update: string;
  readonly now: number;
}

export interface StatefulSetPlan {
  readonly steps: readonly Step[];
  /** Undefined when the stored status is right already. */
  readonly status?: NonNullable<StatefulSet['status']>;
  /** When a ready pod will have been ready long enough, in ms from now. */
  readonly againInMs?: number;
}

/** A pod with its ordinal, in ascending order. */
export interface Member {
  readonly pod: Pod;
  readonly ordinal: number;
}

/** Pods created in one pass of a parallel set. Beyond upstream, where one pass creates them all. */
const burst = 500;

export function planStatefulSet(input: StatefulSetInput): StatefulSetPlan {
  const { set, pods } = input;
  const members = pods
    .flatMap((pod): Member[] => {
      const ordinal = ordinalOf(set, pod);
      return ordinal === undefined ? [] : [{ pod, ordinal }];
    })
    .sort((a, b) => a.ordinal - b.ordinal);
  const { status, againInMs } = planStatus(input);
  const rest = { ...(status ? { status } : {}), ...(againInMs === undefined ? {} : { againInMs }) };
  return { steps: isDeleting(set) ? [] : planSteps(input, members), ...rest };
}

function planSteps(input: StatefulSetInput, members: readonly Member[]): readonly Step[] {
  const { set } = input;
  const ordered = set.spec?.podManagementPolicy !== 'Parallel';
  const desired = members.filter(({ ordinal }) => isDesired(set, ordinal));
  const condemned = members.filter(({ ordinal }) => !isDesired(set, ordinal)).reverse();
  const replicas = planReplicas(input, desired, ordered);
  if (replicas.blocked) return replicas.steps;
  const owned = condemned.flatMap((member) => planOwn(input, member));
  const removed = planCondemned(input, condemned, ordered);
  const steps = [...replicas.steps, ...owned, ...removed];
  // One pod at a time changes in an ordered set.
  if (ordered && condemned.length > 0) return steps;
  return [...steps, ...planUpdate(input, desired)];
}

interface Progress {
  readonly steps: readonly Step[];
  /** A pod of an ordered set is missing or not available: the pods after it wait. */
  readonly blocked: boolean;
}

function planReplicas(input: StatefulSetInput, desired: readonly Member[], ordered: boolean): Progress {
  const { set } = input;
  const byOrdinal = new Map(desired.map(({ ordinal, pod }) => [ordinal, pod]));
  const end = startOf(set) + replicasOf(set);
  const steps: Step[] = [];
  let created = 0;
  for (let ordinal = startOf(set); ordinal < end && created < burst; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    const next = pod ? planReplica(input, { pod, ordinal }) : { steps: planCreation(input, ordinal), blocked: true };
    steps.push(...next.steps);
    if (!pod) created++;
    if (ordered && next.blocked) return { steps, blocked: true };
  }
  return { steps, blocked: false };
}

function planCreation({ set, findClaim }: StatefulSetInput, ordinal: number): Step[] {
  if (waitsForClaims(set, ordinal, findClaim)) return [];
  const claim = deletedClaim(set, ordinal, findClaim);
  if (claim !== undefined) return [{ action: 'refuse', ordinal, claim }];
  return [{ action: 'create', ordinal, revision: isOfCurrent(set, ordinal) ? 'current' : 'update' }];
}

/** Below the partition, and in a set without bounds for its update among the pods that are not updated yet. */
function isOfCurrent(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  const index = ordinal - startOf(set);
  if (rollingUpdate) return index < (rollingUpdate.partition ?? 0);
  return type === 'RollingUpdate' && index < (set.status?.currentReplicas ?? 0);
}

function planReplica(input: StatefulSetInput, member: Member): Progress {
  const { set, findClaim, now } = input;
  const { pod, ordinal } = member;
  if (hasEnded(pod)) return { steps: isDeleting(pod) ? [] : [{ action: 'delete', pod }], blocked: true };
  const isPending = pod.status?.phase === 'Pending';
  const steps: Step[] =
    isPending && missingClaims(set, ordinal, findClaim).length > 0 ? [{ action: 'claim', ordinal }] : [];
  const blocked = isDeleting(pod) || !isRunningAndReady(pod) || !isAvailable(pod, set, now);
  if (!isDeleting(pod) && !hasIdentity(set, pod, ordinal)) steps.push({ action: 'identify', pod, ordinal });
  return { steps: [...steps, ...planOwn(input, member)], blocked };
}

const planOwn = ({ set, findClaim }: StatefulSetInput, { pod, ordinal }: Member): Step[] =>
  planOwnership(set, pod, ordinal, findClaim).map((ownership, at) => ({
    action: 'own',
    ...ownership,
    ...(at === 0 && isDesired(set, ordinal) ? { updates: pod.metadata?.name } : {}),
  }));

/** `condemned`: from the highest ordinal down. */
function planCondemned({ set, now }: StatefulSetInput, condemned: readonly Member[], ordered: boolean): Step[] {
  const deletion = ({ pod }: Member): Step[] => (isDeleting(pod) ? [] : [{ action: 'delete', pod }]);
  const [first] = condemned;
  if (!ordered || !first) return condemned.flatMap(deletion);
  // A pod that is not available goes only when no lower one is worse off: an operator may need the higher ones to mend it.
  const isFine = isRunningAndReady(first.pod) && isAvailable(first.pod, set, now);
  const isSick = ({ pod }: Member) => !isRunningAndReady(pod) || isDeleting(pod);
  const isLowestSick = condemned.findLast(isSick) === first;
  return isFine || isLowestSick ? deletion(first) : [];
}
