// Evictions under a PodDisruptionBudget, and priority classes, over real HTTPS. No controller runs: the tests write the
// budget's status in its place.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
const type = 'application/merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

async function run(name: string, app: string, { ready = true, spec = {} } = {}) {
  const body = {
    metadata: { name, labels: { app } },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], ...spec },
  };
  const made = await server.call('POST', pods, { body });
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  await server.call('PATCH', `${pods}/${name}/status`, { type, body: { status: { phase: 'Running', conditions } } });
  return made;
}
async function budget(app: string, spec: object, status: object) {
  const body = { metadata: { name: app }, spec: { selector: { matchLabels: { app } }, ...spec } };
  const made = await server.call('POST', budgets, { body });
  await server.call('PATCH', `${budgets}/${app}/status`, {
    type,
    body: { status: { observedGeneration: 1, ...status } },
  });
  return made;
}
const evict = (name: string, query = '') =>
  server.call('POST', `${pods}/${name}/eviction${query}`, {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } },
  });
const counts = { currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };

t.test('a budget allows as many evictions as its status says', async (t) => {
  t.match((await budget('a', { minAvailable: 1 }, { ...counts, disruptionsAllowed: 1 })).json.status, {
    disruptionsAllowed: 0,
  });
  await run('a1', 'a');
  await run('a2', 'a');
  t.match((await evict('a1', '?dryRun=All')).json, { status: 'Success' });
  t.equal((await server.call('GET', `${budgets}/a`)).json.status.disruptionsAllowed, 1, 'a dry run uses no disruption');
  t.match((await evict('a1')).json, { status: 'Success' });
  const { json } = await server.call('GET', `${budgets}/a`);
  t.match(json.status, { disruptionsAllowed: 0, disruptedPods: { a1: /Z$/ } });
  const going = await server.call('GET', `${pods}/a1`);
  t.ok(going.json.metadata.deletionTimestamp);
  t.match(going.json.status.conditions[1], { type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' });
  const refused = await evict('a2');
  t.equal(refused.status, 429);
  t.match(refused.json, {
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget a needs 1 healthy pods and has 2 currently' },
      ],
    },
  });
  t.match((await evict('a1')).json, { status: 'Success' }, 'a pod that is being deleted may be evicted');
  const older = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'a1' } };
  t.equal(
    (await server.call('POST', `${pods}/a1/eviction`, { body: older })).status,
    201,
    'older clients send v1beta1',
  );
});

t.test('a budget whose newest spec the controller has not observed refuses evictions', async (t) => {
  await budget('b', { maxUnavailable: 1 }, { ...counts, disruptionsAllowed: 1 });
  await server.call('PATCH', `${budgets}/b`, { type, body: { spec: { maxUnavailable: 2 } } });
  await run('b1', 'b');
  const refused = await evict('b1');
  t.match(refused, { status: 429, headers: { 'retry-after': '10' } });
  t.match(refused.json.details.causes[0].message, /is still being processed by the server/);
});

t.test('eviction of a pod that is not ready, by unhealthyPodEvictionPolicy', async (t) => {
  await budget('c', { minAvailable: 1 }, { ...counts, currentHealthy: 1, disruptionsAllowed: 0 });
  await run('c1', 'c', { ready: false });
  t.equal((await evict('c1')).status, 201, 'enough other pods are healthy');
  await budget('d', { minAvailable: 1 }, { ...counts, currentHealthy: 0, disruptionsAllowed: 0 });
  await run('d1', 'd', { ready: false });
  t.equal((await evict('d1')).status, 429);
  await budget('e', { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, { ...counts, currentHealthy: 0 });
  await run('e1', 'e', { ready: false });
  t.equal((await evict('e1')).status, 201);
});

t.test('no budget, two budgets, no pod', async (t) => {
  await run('f1', 'f');
  t.equal((await evict('f1')).status, 201);
  await budget('g', { minAvailable: 1 }, counts);
  await server.call('POST', budgets, {
    body: { metadata: { name: 'g2' }, spec: { selector: { matchLabels: { app: 'g' } } } },
  });
  await run('g1', 'g');
  t.match((await evict('g1')).json, { code: 500, message: /has more than one PodDisruptionBudget/ });
  t.equal((await evict('nobody')).status, 404);
});

t.test('invalid budgets are refused', async (t) => {
  const body = { metadata: { name: 'x' }, spec: { minAvailable: '101%', maxUnavailable: -1 } };
  const { json } = await server.call('POST', budgets, { body });
  t.equal(json.code, 422);
  t.match(json.message, /minAvailable and maxUnavailable cannot be both set/);
  t.match(json.message, /spec.minAvailable: Invalid value: "101%": must not be greater than 100%/);
  t.match(json.message, /spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0/);
});

t.test('priority classes', async (t) => {
  const { json } = await server.call('GET', classes);
  t.same(
    json.items.map(({ metadata, value }: { metadata: { name: string }; value: number }) => [metadata.name, value]),
    [
      ['system-cluster-critical', 2_000_000_000],
      ['system-node-critical', 2_000_001_000],
    ],
  );
  const make = (name: string, rest: object) => server.call('POST', classes, { body: { metadata: { name }, ...rest } });
  t.equal((await make('high', { value: 1000, preemptionPolicy: 'Never' })).status, 201);
  t.match((await run('p1', 'p', { spec: { priorityClassName: 'high' } })).json.spec, {
    priority: 1000,
    preemptionPolicy: 'Never',
  });
  t.match((await run('p2', 'p', { spec: { priorityClassName: 'none' } })).json, {
    code: 403,
    message: 'pods "p2" is forbidden: no PriorityClass with name none was found',
  });
  t.match((await run('p3', 'p', { spec: { priorityClassName: 'high', priority: 5 } })).json, {
    code: 403,
    message: /the integer value of priority \(5\) must not be provided in pod spec; .* computed 1000/,
  });
  t.match((await run('p4', 'p')).json.spec, { priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  t.equal((await make('usual', { value: 7, globalDefault: true })).status, 201);
  t.match((await run('p5', 'p')).json.spec, { priority: 7, priorityClassName: 'usual' });
  t.match((await make('other', { value: 8, globalDefault: true })).json, {
    code: 403,
    message: /PriorityClass usual is already marked as default. Only one default can exist/,
  });
  t.match((await make('system-mine', { value: 1 })).json, { code: 422, message: /reserved for system use only/ });
  t.match((await make('much', { value: 1_000_000_001 })).json, {
    code: 422,
    message: /user defined priority is 1000000000/,
  });
  const changed = await server.call('PATCH', `${classes}/high`, { type, body: { value: 1 } });
  t.match(changed.json, { code: 422, message: /value: Forbidden: may not be changed in an update\./ });
});
