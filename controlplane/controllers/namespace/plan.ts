// What is left to do for a namespace that is being deleted, and the conditions that show users what it waits for.
import { isDeepStrictEqual } from 'node:util';
import { withCondition } from '../../api/conditions';
import type { Namespace } from '../../api/namespace';
import type { KubeObject } from '../../api/types';
import { isDeleting } from '../shared/owner';

type NamespaceCondition = NonNullable<NonNullable<Namespace['status']>['conditions']>[number];

/** Everything of one kind that is left in the namespace. */
export interface Remaining {
  /** As users know it: pods, deployments.apps. */
  readonly resource: string;
  readonly objects: readonly KubeObject[];
}

/**
 * What to delete now: pods first, and the other objects only when all pods have ended. So a running pod keeps everything it needs
 * (policies, secrets), see KEP-5080.
 */
export function planDeletions(remaining: readonly Remaining[]): readonly Remaining[] {
  const pods = remaining.filter(({ resource, objects }) => resource === 'pods' && objects.length > 0);
  const first = pods.length > 0 ? pods : remaining;
  return first
    .map(({ resource, objects }) => ({ resource, objects: objects.filter((object) => !isDeleting(object)) }))
    .filter(({ objects }) => objects.length > 0);
}

/** The status to write, or undefined when the stored one is right. `failure`: why objects could not be deleted. */
export function planConditions(
  namespace: Namespace,
  remaining: readonly Remaining[],
  failure: string | undefined,
  now: number,
): Namespace['status'] | undefined {
  const left = remaining.filter(({ objects }) => objects.length > 0);
  const finalizers = new Map<string, number>();
  for (const finalizer of left.flatMap(({ objects }) =>
    objects.flatMap(({ metadata }) => metadata?.finalizers ?? []),
  )) {
    finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  const before: readonly NamespaceCondition[] = namespace.status?.conditions ?? [];
  const desired = [
    state('NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'),
    state(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    failure === undefined
      ? state(
          'NamespaceDeletionContentFailure',
          false,
          'ContentDeleted',
          'All content successfully deleted, may be waiting on finalization',
        )
      : state('NamespaceDeletionContentFailure', true, 'ContentDeletionFailed', failure),
    left.length === 0
      ? state('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed')
      : state(
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${left.map(({ resource, objects }) => `${withGroup(resource)} has ${objects.length} resource instances`).join(', ')}`,
        ),
    finalizers.size === 0
      ? state(
          'NamespaceFinalizersRemaining',
          false,
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        )
      : state(
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${[...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).join(', ')}`,
        ),
  ];
  const conditions = desired.reduce((list, condition) => withCondition(list, condition, now), before);
  if (isDeepStrictEqual(conditions, before) && namespace.status?.phase === 'Terminating') return undefined;
  return { ...namespace.status, phase: 'Terminating', conditions: [...conditions] };
}

/** Upstream writes the dot before a group also where the group has no name: `pods.`. */
const withGroup = (resource: string): string => (resource.includes('.') ? resource : `${resource}.`);

const state = (type: string, status: boolean, reason: string, message: string) => ({
  type,
  status: status ? 'True' : 'False',
  reason,
  message,
});
