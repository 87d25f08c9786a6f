import t from 'tap';
import type { ReplicationController } from '../../api/replication-controller';
import { planReplicaSet, planStatus } from './plan';
import { replicationControllerWorkload as workload } from './workloads';

const labels = { app: 'a' };
const controller: ReplicationController = {
  metadata: { name: 'rc', namespace: 'n', uid: 'u', generation: 3 },
  spec: { replicas: 2, selector: labels, template: { metadata: { labels } } },
  status: { replicas: 2, observedGeneration: 3 },
};

t.test('a ReplicationController is planned as the ReplicaSet that it corresponds to', async (t) => {
  const set = workload.toSet(controller);
  t.same(set.metadata, controller.metadata);
  const orphan = { metadata: { name: 'p', namespace: 'n', uid: 'p', labels }, spec: { containers: [] } };
  const { steps } = planReplicaSet({ set, pods: [orphan], siblings: [], now: 0 });
  t.match(steps, [
    { action: 'adopt', pod: orphan },
    { action: 'create', count: 1 },
  ]);
  const bare = workload.toSet({ metadata: {}, spec: {} });
  t.same(planReplicaSet({ set: bare, pods: [orphan], siblings: [], now: 0 }).steps, [], 'no selector: owns nothing');
});

t.test('the status has only the fields of its kind', async (t) => {
  const set = workload.toSet(controller);
  const { status } = planStatus(set, { replicas: [], terminating: undefined }, undefined, 0);
  t.same(JSON.parse(JSON.stringify(status)), { replicas: 0, observedGeneration: 3 });
  t.same(workload.withStatus(controller, status!).spec, controller.spec, 'the spec keeps its own form');
});
