// The checks of this server, with the names of kube-apiserver's checks for the same parts, in its order.
import type { HealthCheck } from './health';

export interface HealthFacts {
  /** Why the cache may be older than the store; undefined when it is not. */
  readonly storeProblem: () => string | undefined;
  /** The first objects of the cluster exist. */
  readonly isBootstrapped: () => boolean;
  readonly isStopping: () => boolean;
  /** Why the store takes no writes. It is shown to all. */
  readonly writeProblem: () => string | undefined;
  readonly hasPriorityAndFairness: boolean;
}

export function healthChecks(facts: HealthFacts): readonly HealthCheck[] {
  const { storeProblem, writeProblem, isBootstrapped, isStopping, hasPriorityAndFairness } = facts;
  const started = (name: string): HealthCheck => ({
    name: `poststarthook/${name}`,
    failure: () => (isBootstrapped() ? undefined : 'not finished'),
  });
  return [
    { name: 'ping', failure: () => undefined },
    { name: 'etcd', failure: storeProblem },
    { name: 'etcd-readiness', at: ['readyz'], failure: storeProblem },
    { name: 'informer-sync', at: ['readyz'], failure: storeProblem },
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
    // Not upstream's: reads still work, so the process need not be started again.
    { name: 'store', at: ['readyz'], failure: writeProblem, isPublic: true },
    { name: 'shutdown', at: ['readyz'], failure: () => (isStopping() ? 'process is shutting down' : undefined) },
  ];
}
