import t from 'tap';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { isOutOfService, isUnscheduledTerminating, planTerminated } from './plan';

const pod = (name: string, over: { minute?: number; phase?: string; node?: string; deleting?: boolean } = {}): Pod => ({
  metadata: {
    name,
    namespace: 'a',
    creationTimestamp: `2026-01-01T00:${String(over.minute ?? 0).padStart(2, '0')}:00Z` as never,
    ...(over.deleting ? { deletionTimestamp: '2026-01-01T01:00:00Z' as never } : {}),
  },
  spec: { containers: [], nodeName: over.node },
  status: { phase: over.phase ?? 'Succeeded' },
});

t.test('the oldest finished pods above the limit', async (t) => {
  const pods = [
    pod('young', { minute: 9 }),
    pod('old', { minute: 1, phase: 'Failed' }),
    pod('middle', { minute: 5 }),
    pod('running', { minute: 0, phase: 'Running' }),
    pod('going', { minute: 0, deleting: true }),
  ];
  const names = (limit: number) => planTerminated(pods, limit).map(({ metadata }) => metadata?.name);
  t.same(names(3), []);
  t.same(names(2), ['old']);
  t.same(names(0), ['old', 'middle', 'young']);
});

t.test('a terminating pod without a node has no kubelet', async (t) => {
  t.equal(isUnscheduledTerminating(pod('p', { deleting: true })), true);
  t.equal(isUnscheduledTerminating(pod('p', { deleting: true, node: 'n' })), false);
  t.equal(isUnscheduledTerminating(pod('p')), false);
});

t.test('a node is out of service by its taint, unless it is ready', async (t) => {
  const node = (ready: string, key: string): Node => ({
    spec: { taints: [{ key, value: 'nodeshutdown', effect: 'NoExecute' }] },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });
  const taint = 'node.kubernetes.io/out-of-service';
  t.equal(isOutOfService(node('False', taint)), true);
  t.equal(isOutOfService(node('Unknown', taint)), true);
  t.equal(isOutOfService(node('True', taint)), false);
  t.equal(isOutOfService(node('False', 'node.kubernetes.io/not-ready')), false);
  t.equal(isOutOfService({ metadata: { name: 'n' } }), false);
});
