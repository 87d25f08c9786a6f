import t from 'tap';
import { structureOf } from './boxes';
import { selects } from './objects';
import { ofDeployment, pod, replicaSet, shop, webBox } from './topology.fixture';

t.test('an Ingress leads to its Service, the Service to its pods', async (t) => {
  const { boxes, links, boxOfPod } = structureOf(shop);
  t.strictSame(
    boxes.map(({ id }) => id),
    [
      'outside',
      'unknown',
      'entry',
      'node/n1',
      'node/n2',
      'ingress/shop/front',
      'service/shop/web',
      'service/shop/alone',
      webBox,
      'workload/shop/Pod/client',
      'workload/shop/Pod/done',
      'elsewhere',
    ],
  );
  t.strictSame(links, [
    { from: 'entry', to: 'ingress/shop/front' },
    { from: 'ingress/shop/front', to: 'service/shop/web' },
    { from: 'service/shop/web', to: webBox, ready: 1, all: 2 },
  ]);
  t.equal(boxOfPod.get('shop/web-1a-x'), webBox);
  t.equal(boxOfPod.has('shop/done'), false, 'a pod that has ended has no network');
  const web = boxes.find(({ id }) => id === webBox)!;
  t.match(web, { type: 'Deployment', name: 'web', policies: ['shop/only-client'] });
  t.strictSame(
    web.pods.map(({ name, tone, isReady }) => [name, tone, isReady]),
    [
      ['web-1a-x', 'good', true],
      ['web-1a-y', 'bad', false],
    ],
  );
});

t.test('a rollout shows old and new pods apart', async (t) => {
  const newer = pod('web-2b-z', 'n1', '10.244.0.6', ofDeployment('web', '2b', '2026-01-02T00:00:00Z'));
  const { boxes } = structureOf({ ...shop, pods: [...shop.pods, newer] });
  const generations = boxes.flatMap(({ id, generation }) => (generation ? [[id, generation.isNewest]] : []));
  t.strictSame(generations, [
    [webBox, false],
    ['workload/shop/ReplicaSet/web-2b', true],
  ]);
});

t.test('revisions say which pods are the newer ones, also after a rollback', async (t) => {
  const newer = pod('web-2b-z', 'n1', '10.244.0.6', ofDeployment('web', '2b', '2026-01-02T00:00:00Z'));
  const replicaSets = [replicaSet('web', '1a', 3), replicaSet('web', '2b', 2)];
  const { boxes } = structureOf({ ...shop, pods: [...shop.pods, newer], replicaSets });
  const generations = boxes.flatMap(({ generation }) => generation ?? []);
  t.strictSame(generations, [
    { hash: '1a', isNewest: true, revision: 3 },
    { hash: '2b', isNewest: false, revision: 2 },
  ]);
});

t.test('a Deployment without pods has one box, that of its newest revision, and its Service leads to it', async (t) => {
  const replicaSets = [replicaSet('idle', '1a', 1), replicaSet('idle', '2b', 2), replicaSet('web', '1a', 1)];
  const idle = { metadata: { namespace: 'shop', name: 'idle' }, spec: { selector: { app: 'idle' } } };
  const policy = {
    metadata: { namespace: 'shop', name: 'p' },
    spec: { podSelector: { matchLabels: { app: 'idle' } } },
  };
  const other = { metadata: { namespace: 'other', name: 'idle' }, spec: { selector: { app: 'idle' } } };
  const services = [...shop.services, idle, other];
  const { boxes, links } = structureOf({ ...shop, services, policies: [policy], replicaSets });
  const found = boxes.filter(({ name, kind }) => kind === 'workload' && name === 'idle');
  t.match(found, [{ id: 'workload/shop/ReplicaSet/idle-2b', type: 'Deployment', pods: [], policies: ['shop/p'] }]);
  t.equal(found[0]?.generation, undefined);
  t.strictSame(
    links.filter(({ to }) => to === 'workload/shop/ReplicaSet/idle-2b'),
    [{ from: 'service/shop/idle', to: 'workload/shop/ReplicaSet/idle-2b', ready: 0, all: 0 }],
  );
});

t.test('pods that have not changed are the same dots: the timeline keeps many structures', async (t) => {
  const dots = () => structureOf(shop).boxes.flatMap(({ pods }) => pods);
  t.ok(dots().every((dot, i) => dot === dots()[i]));
});

t.test('links to Services that are not there are left out', async (t) => {
  const { links } = structureOf({ ...shop, services: [] });
  t.strictSame(links, [{ from: 'entry', to: 'ingress/shop/front' }]);
});

t.test('label selectors', async (t) => {
  const labels = { app: 'web', tier: 'front' };
  const has = (selector: Parameters<typeof selects>[0]) => selects(selector, labels);
  t.equal(has(undefined), true);
  t.equal(has({}), true);
  t.equal(has({ matchLabels: { app: 'web', tier: 'back' } }), false);
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  t.equal(has(expression('tier', 'In', 'front', 'x')), true);
  t.equal(has(expression('none', 'In', 'front')), false);
  t.equal(has(expression('none', 'NotIn', 'front')), true);
  t.equal(has(expression('tier', 'NotIn', 'front')), false);
  t.equal(has(expression('tier', 'Exists')), true);
  t.equal(has(expression('tier', 'DoesNotExist')), false);
});
