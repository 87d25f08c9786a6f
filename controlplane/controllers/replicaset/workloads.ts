// The two kinds of objects that this controller serves. A ReplicationController is handled as the ReplicaSet that it corresponds to.
import type { Kind } from '../../api/kind';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { type ReplicationController, replicationControllers } from '../../api/replication-controller';
import type { KubeObject } from '../../api/types';

export interface ReplicaWorkload<O extends KubeObject> {
  readonly kind: Kind<O>;
  /** The source of its Events. */
  readonly component: string;
  toSet(object: O): ReplicaSet;
  /** False when the status of the kind has no terminatingReplicas. */
  readonly countsTerminating: boolean;
  /** A copy of the object with this status. */
  withStatus(object: O, status: NonNullable<ReplicaSet['status']>): O;
}

export const replicaSetWorkload: ReplicaWorkload<ReplicaSet> = {
  kind: replicaSets,
  component: 'replicaset-controller',
  countsTerminating: true,
  toSet: (set) => set,
  withStatus: (set, status) => ({ ...set, status }),
};

export const replicationControllerWorkload: ReplicaWorkload<ReplicationController> = {
  kind: replicationControllers,
  component: 'replication-controller',
  countsTerminating: false,
  toSet: ({ spec, ...rest }) => ({
    ...rest,
    spec: { ...spec, selector: { matchLabels: spec?.selector } },
  }),
  withStatus: (controller, status) => ({ ...controller, status }),
};
