// From a ReplicaSet and the pods of its namespace to the steps of one pass. Pure: no I/O, no clock.
import { isDeepStrictEqual } from 'node:util';
import { isReady, withCondition, withoutCondition } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import type { ReplicaSet } from '../../api/replica-set';
import { matchesSelector, selectorFromLabelSelector, selectorFromMap } from '../../api/selector';
import { planClaim } from '../shared/claim';
import { isDeleting } from '../shared/owner';
import { availability, isActive } from '../shared/pod';
import { rankForDeletion } from '../shared/rank';

export type Step =
  | { readonly action: 'adopt'; readonly pod: Pod }
  | { readonly action: 'release'; readonly pod: Pod }
  | { readonly action: 'create'; readonly count: number }
  | { readonly action: 'delete'; readonly pod: Pod };

export interface ReplicaSetInput {
  readonly set: ReplicaSet;
  /** Every pod that this set owns or may adopt: at least its own pods and the pods without an owner in its namespace. */
  readonly pods: readonly Pod[];
  /** Active pods of sibling sets, for the choice of what to delete. */
  readonly siblings: readonly Pod[];
  readonly now: number;
}

export interface ReplicaSetPlan {
  readonly steps: readonly Step[];
  /** The pods that count as replicas, with the pods that are about to be adopted. */
  readonly replicas: readonly Pod[];
  readonly terminating: number;
}

/** Pods created or deleted in one pass, as upstream: a broken template must not flood the cluster. */
export const burst = 500;

export function planReplicaSet({ set, pods, siblings, now }: ReplicaSetInput): ReplicaSetPlan {
  const selector = selectorFromLabelSelector(set.spec?.selector) ?? [];
  // Validation refuses a selector that matches everything. A set without a selector owns nothing.
  if (selector.length === 0) return { steps: [], replicas: [], terminating: 0 };
  const claim = planClaim(set, selector, pods, (pod) => !isTerminal(pod));
  const steps: Step[] = [
    ...claim.release.map((pod) => ({ action: 'release', pod }) as const),
    ...claim.adopt.map((pod) => ({ action: 'adopt', pod }) as const),
  ];
  const replicas = [...claim.owned, ...claim.adopt].filter(isActive);
  const terminating = claim.owned.filter((pod) => isDeleting(pod) && !isTerminal(pod)).length;
  if (!isDeleting(set)) {
    const missing = (set.spec?.replicas ?? 1) - replicas.length;
    if (missing > 0) steps.push({ action: 'create', count: Math.min(missing, burst) });
    else if (missing < 0) {
      const ranked = rankForDeletion(replicas, [...replicas, ...siblings], now);
      for (const pod of ranked.slice(0, Math.min(-missing, burst))) steps.push({ action: 'delete', pod });
    }
  }
  return { steps, replicas, terminating };
}

/** The pod this set creates; the server completes its name. */
export function renderPod(
  set: ReplicaSet,
  owner: NonNullable<NonNullable<Pod['metadata']>['ownerReferences']>[number],
): Pod {
  const { metadata, spec } = set.spec?.template ?? {};
  return {
    metadata: {
      generateName: `${set.metadata?.name}-`,
      namespace: set.metadata?.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [owner],
    },
    spec,
  };
}

export interface StatusPlan {
  /** Undefined when the stored status is right already. */
  readonly status?: NonNullable<ReplicaSet['status']>;
  /** When a ready pod will have been ready long enough, in ms from now. */
  readonly againInMs?: number;
}

type SetCondition = NonNullable<NonNullable<ReplicaSet['status']>['conditions']>[number];

/** `failure`: why this pass could not create or delete pods. */
export function planStatus(
  set: ReplicaSet,
  { replicas, terminating }: { readonly replicas: readonly Pod[]; readonly terminating: number | undefined },
  failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined,
  now: number,
): StatusPlan {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const template = selectorFromMap(set.spec?.template?.metadata?.labels ?? {});
  const states = replicas.map((pod) => availability(pod, minReadySeconds, now));
  const soon = states.flatMap(({ inMs }) => (inMs === undefined ? [] : [inMs]));
  const before = set.status;
  const conditions = withFailure(before?.conditions, failure, now);
  const status: NonNullable<ReplicaSet['status']> = {
    replicas: replicas.length,
    fullyLabeledReplicas:
      replicas.filter(({ metadata }) => matchesSelector(template, metadata?.labels)).length || undefined,
    readyReplicas: replicas.filter(isReady).length || undefined,
    availableReplicas: states.filter(({ available }) => available).length || undefined,
    terminatingReplicas: terminating,
    observedGeneration: set.metadata?.generation,
    ...(conditions.length > 0 ? { conditions: [...conditions] } : {}),
  };
  const againInMs = soon.length > 0 ? Math.min(...soon) : undefined;
  return sameStatus(before, status) ? { againInMs } : { status, againInMs };
}

/**
 * The first failure stays unchanged until a pass has no failure, as upstream. Its message may differ at each try, and a status write
 * for each message would lead to the next try at once.
 */
function withFailure(
  conditions: readonly SetCondition[] | undefined,
  failure: { readonly reason: string; readonly message: string } | undefined,
  now: number,
): readonly SetCondition[] {
  if (!failure) return withoutCondition(conditions, 'ReplicaFailure');
  const known = conditions?.some(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return known ? conditions! : withCondition(conditions, { type: 'ReplicaFailure', status: 'True', ...failure }, now);
}

function sameStatus(before: ReplicaSet['status'], after: NonNullable<ReplicaSet['status']>): boolean {
  const full = (status: ReplicaSet['status']) => ({
    replicas: status?.replicas ?? 0,
    fullyLabeledReplicas: status?.fullyLabeledReplicas ?? 0,
    readyReplicas: status?.readyReplicas ?? 0,
    availableReplicas: status?.availableReplicas ?? 0,
    terminatingReplicas: status?.terminatingReplicas ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    conditions: status?.conditions ?? [],
  });
  return isDeepStrictEqual(full(before), full(after));
}
