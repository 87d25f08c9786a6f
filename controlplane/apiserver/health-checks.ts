// The checks of this server, with the names of kube-apiserver's checks for the same parts, in its order.
import type { HealthCheck } from './health';

export interface HealthFacts {
  /** The cache follows the store. */
  readonly isFollowing: () => boolean;
  /** The first objects of the cluster exist. */
  readonly isBootstrapped: () => boolean;
  readonly isStopping: () => boolean;
  readonly hasPriorityAndFairness: boolean;
}

export function healthChecks(facts: HealthFacts): readonly HealthCheck[] {
  const { isFollowing, isBootstrapped, isStopping, hasPriorityAndFairness } = facts;
  const store = () => (isFollowing() ? undefined : 'the cache does not follow the store');
  const started = (name: string): HealthCheck => ({
    name: `poststarthook/${name}`,
    failure: () => (isBootstrapped() ? undefined : 'not finished'),
  });
  return [
    { name: 'ping', failure: () => undefined },
    { name: 'etcd', failure: store },
    { name: 'etcd-readiness', at: ['readyz'], failure: store },
    { name: 'informer-sync', at: ['readyz'], failure: store },
    // These have ended before the server listens.
    { name: 'poststarthook/start-apiextensions-controllers', failure: () => undefined },
    { name: 'poststarthook/crd-informer-synced', failure: () => undefined },
    ...(hasPriorityAndFairness
      ? [{ name: 'poststarthook/priority-and-fairness-config-consumer', failure: () => undefined }]
      : []),
    started('start-system-namespaces-controller'),
    started('rbac/bootstrap-roles'),
    started('scheduling/bootstrap-system-priority-classes'),
    started('priority-and-fairness-config-producer'),
    started('bootstrap-controller'),
    { name: 'shutdown', at: ['readyz'], failure: () => (isStopping() ? 'process is shutting down' : undefined) },
  ];
}
