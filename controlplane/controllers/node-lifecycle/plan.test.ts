import t from 'tap';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { evictionTime, healthOf, planNotReady, planSilence, planTaints, type Taint } from './plan';

const now = Date.parse('2026-01-01T01:00:00Z');
const time = '2026-01-01T01:00:00Z';
const node = (conditions: Record<string, string>, spec: Node['spec'] = {}): Node => ({
  metadata: { name: 'n1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status, reason: 'x' })) },
});

t.test('healthOf', async (t) => {
  t.equal(healthOf(node({ Ready: 'True' })), 'ready');
  t.equal(healthOf(node({ Ready: 'False' })), 'not-ready');
  t.equal(healthOf(node({ Ready: 'Unknown' })), 'unknown');
  t.equal(healthOf(node({})), 'unknown', 'no report yet');
});

t.test('planSilence', async (t) => {
  const after = planSilence(node({ Ready: 'True', DiskPressure: 'False', NetworkUnavailable: 'False' }), now)!;
  const shown = after.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  t.same(shown, [
    'Ready Unknown NodeStatusUnknown',
    'DiskPressure Unknown NodeStatusUnknown',
    'NetworkUnavailable False x',
    'MemoryPressure Unknown NodeStatusNeverUpdated',
    'PIDPressure Unknown NodeStatusNeverUpdated',
  ]);
  t.equal(
    planSilence({ ...node({}), status: { conditions: after } }, now + 1000),
    undefined,
    'unchanged conditions are not written again',
  );
});

t.test('planTaints', async (t) => {
  const taint = (key: string, effect: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect, timeAdded: time });
  const own: Taint = { key: 'gpu', effect: 'NoSchedule' };
  const cases: { name: string; node: Node; mayEvict?: boolean; want: Taint[] | undefined }[] = [
    { name: 'healthy', node: node({ Ready: 'True' }), want: undefined },
    {
      name: 'not ready',
      node: node({ Ready: 'False' }),
      want: [taint('not-ready', 'NoSchedule'), taint('not-ready', 'NoExecute')],
    },
    {
      name: 'unknown',
      node: node({ Ready: 'Unknown' }),
      want: [taint('unreachable', 'NoSchedule'), taint('unreachable', 'NoExecute')],
    },
    {
      name: 'no kubelet has reported yet: the taint of its creation is removed',
      node: node({}, { taints: [own, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
      want: [own],
    },
    {
      name: 'all nodes have failed: no pod is evicted',
      node: node({ Ready: 'Unknown' }),
      mayEvict: false,
      want: [taint('unreachable', 'NoSchedule')],
    },
    {
      name: 'one taint replaces the other',
      node: node({ Ready: 'Unknown' }, { taints: [taint('not-ready', 'NoSchedule'), taint('not-ready', 'NoExecute')] }),
      want: [taint('unreachable', 'NoSchedule'), taint('unreachable', 'NoExecute')],
    },
    {
      name: 'a new node has become ready: the taint of its creation is removed',
      node: node({ Ready: 'True' }, { taints: [own, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
      want: [own],
    },
    {
      name: 'recovered: taints of other writers stay',
      node: node({ Ready: 'True' }, { taints: [own, taint('not-ready', 'NoExecute')] }),
      want: [own],
    },
    {
      name: 'pressure',
      node: node({ Ready: 'True', DiskPressure: 'True' }),
      want: [taint('disk-pressure', 'NoSchedule')],
    },
    {
      name: 'cordoned',
      node: node({ Ready: 'True' }, { unschedulable: true }),
      want: [taint('unschedulable', 'NoSchedule')],
    },
    {
      name: 'no change needed',
      node: node({ Ready: 'True' }, { unschedulable: true, taints: [taint('unschedulable', 'NoSchedule')] }),
      want: undefined,
    },
  ];
  for (const { name, node: object, mayEvict = true, want } of cases)
    t.same(planTaints(object, mayEvict, now), want, name);
});

t.test('evictionTime', async (t) => {
  const taints: Taint[] = [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: time }];
  const pod = (...tolerations: NonNullable<NonNullable<Pod['spec']>['tolerations']>): Pod => ({
    spec: { containers: [], tolerations },
  });
  const unreachable = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' };
  t.equal(evictionTime(pod(), taints, now), now, 'no toleration');
  t.equal(evictionTime(pod(), [{ key: 'x', effect: 'NoSchedule' }], now), undefined, 'only NoExecute counts');
  t.equal(evictionTime(pod(unreachable), taints, now), undefined, 'tolerated without a time limit');
  t.equal(evictionTime(pod({ ...unreachable, tolerationSeconds: 300 }), taints, now), now + 300_000);
  t.equal(
    evictionTime(pod({ ...unreachable, tolerationSeconds: 300 }), taints, now + 400_000),
    now + 300_000,
    'the time counts from when the taint was added',
  );
  t.equal(
    evictionTime(
      pod({ ...unreachable, tolerationSeconds: 300 }, { operator: 'Exists', tolerationSeconds: 10 }),
      taints,
      now,
    ),
    now + 10_000,
  );
  const own: Taint = { key: 'k', value: 'v', effect: 'NoExecute' };
  const forSixSeconds = pod({ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute', tolerationSeconds: 6 });
  t.equal(evictionTime(forSixSeconds, [own], now), now + 6000);
  t.equal(evictionTime(forSixSeconds, [own], now, now - 6000), now, "a user's taint has no time of its own");
  const deleting: Pod = { ...pod(), metadata: { deletionTimestamp: time } };
  t.equal(evictionTime(deleting, taints, now), undefined, 'already terminating');
});

t.test('planNotReady', async (t) => {
  const pod = (status: string): Pod => ({
    status: { conditions: [{ type: 'Ready', status, lastTransitionTime: 'then' }] },
  });
  t.same(planNotReady(pod('True'), now), { type: 'Ready', status: 'False', lastTransitionTime: time });
  t.equal(planNotReady(pod('False'), now), undefined);
});
