// NodeTraffic over HTTPS, with an HTTPS server that plays the kubelets.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { FakeClock } from '../../../test/lib/fake-clock';

const path = '/apis/path.k8ts.io/v1alpha1/nodetraffics';
const merge = 'application/merge-patch+json';
const status = {
  collector: 'c',
  time: '2026-01-02T03:04:05.000000Z',
  readAt: { connections: '2026-01-02T03:04:05.000000Z' },
  connections: { count: 12, max: 100 },
  edges: [{ protocol: 'tcp', source: '10.0.0.1', destination: { address: '10.96.0.1', port: 443 } }],
  omittedEdges: 2,
  pods: [],
  stopped: [{ packets: 3 }, { packets: 4 }],
  refused: [],
  requests: [],
  problems: ['a part cannot be read'],
  cost: { cpuMs: 1, ageMs: 65_000 },
};

const asked: string[] = [];
let answer: { readonly status: number; readonly text: string } | 'silence';
const clock = new FakeClock(Date.parse('2026-01-02T03:04:05Z'));
let server: TestServer;
let kubelet: Server;

t.beforeEach(() => {
  answer = { status: 200, text: JSON.stringify(status) };
  asked.length = 0;
  // The answers of the test before are old.
  clock.advance(1_000);
});
t.before(async () => {
  server = await startApiServer({ clock });
  const { cert, key } = await server.serving('127.0.0.1');
  kubelet = createServer({ cert, key }, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    if (answer !== 'silence') response.writeHead(answer.status).end(answer.text);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  const { port } = kubelet.address() as AddressInfo;
  for (const [name, ready] of [
    ['n', 'True'],
    ['down', 'Unknown'],
    ['lost', 'True'],
  ] as const) {
    await server.call('POST', '/api/v1/nodes', { body: { metadata: { name, labels: { zone: name } } } });
    const body = {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        conditions: [{ type: 'Ready', status: ready }],
        // No server listens there.
        daemonEndpoints: { kubeletEndpoint: { Port: name === 'lost' ? 1 : port } },
      },
    };
    await server.call('PATCH', `/api/v1/nodes/${name}/status`, { type: merge, body });
  }
});
t.teardown(async () => {
  await server.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

t.test('a list has each node; one that does not answer has an error', async (t) => {
  const { json } = await server.call('GET', path);
  t.match(json, { kind: 'NodeTrafficList', apiVersion: 'path.k8ts.io/v1alpha1' });
  const items = Object.fromEntries(json.items.map((one: { metadata: { name: string } }) => [one.metadata.name, one]));
  t.strictSame(items.n, {
    kind: 'NodeTraffic',
    apiVersion: 'path.k8ts.io/v1alpha1',
    metadata: { name: 'n', labels: { zone: 'n' } },
    status,
  });
  t.strictSame(items.down.error, 'node down is not ready: its kubelet was not asked');
  t.match(items.lost, { error: /cannot reach the kubelet of node lost/, status: undefined });
  t.same(asked, ['POST /path/traffic']);
});

t.test('an answer counts for a second, for all readers', async (t) => {
  await Promise.all([server.call('GET', path), server.call('GET', `${path}/n`)]);
  await server.call('GET', `${path}?labelSelector=zone%3Dn`);
  t.equal(asked.length, 1);
  clock.advance(1_000);
  t.match((await server.call('GET', `${path}/n`)).json, { metadata: { name: 'n' }, status: { collector: 'c' } });
  t.equal(asked.length, 2);
});

t.test('for many readers at once an answer is written out once', async (t) => {
  const { stringify } = JSON;
  const calls = t.capture(JSON, 'stringify', stringify);
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.call('GET', path)));
  await server.call('GET', `${path}/n`);
  const written = calls().filter(({ args: [value] }) => value?.kind === 'NodeTraffic' && value.metadata.name === 'n');
  t.equal(written.length, 1);
  t.equal(asked.length, 1);
  for (const { json } of answers) t.strictSame(json, answers[0]!.json);
  const labels = { zone: 'z' };
  await server.call('PATCH', '/api/v1/nodes/n', { type: merge, body: { metadata: { labels } } });
  t.match((await server.call('GET', path)).json.items, [{}, {}, { metadata: { name: 'n', labels } }]);
  await server.call('PATCH', '/api/v1/nodes/n', { type: merge, body: { metadata: { labels: { zone: 'n' } } } });
});

t.test('selectors and names', async (t) => {
  const names = async (query: string) =>
    (await server.call('GET', `${path}?${query}`)).json.items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
  t.same(await names('labelSelector=zone%3Ddown'), ['down']);
  t.same(await names('fieldSelector=metadata.name%3Ddown'), ['down']);
  t.same(asked, [], 'no kubelet is asked for others');
  t.match(await server.call('GET', `${path}/none`), {
    status: 404,
    json: { message: 'nodetraffics.path.k8ts.io "none" not found' },
  });
  for (const method of ['POST', 'DELETE']) t.equal((await server.call(method, path)).status, 405);
  t.equal((await server.call('GET', `${path}?watch=1`)).status, 405);
});

t.test('what kubelets may say', async (t) => {
  const error = async () => {
    clock.advance(1_000);
    return (await server.call('GET', `${path}/n`)).json.error;
  };
  answer = { status: 503, text: 'the reader of traffic failed' };
  t.match(await error(), /the reader of traffic failed/);
  const broken = [
    { connections: null },
    { edges: [null] },
    { refused: undefined },
    { requests: undefined },
    { readAt: undefined },
  ];
  const others = broken.map((part) => JSON.stringify({ ...status, ...part }));
  for (const text of ['{}', '[]', 'null', '{"edges":[]}', ...others]) {
    answer = { status: 200, text };
    t.equal(await error(), 'the kubelet of node n did not answer with its traffic', text);
  }
  answer = { status: 200, text: 'no JSON' };
  t.match(await error(), /something else than JSON/);
  const long = { ...status, problems: ['x'.repeat(4 * 2 ** 20)] };
  answer = { status: 200, text: JSON.stringify(long) };
  t.equal(await error(), 'the kubelet of node n answered with more than 4 MiB');
  answer = { status: 404, text: 'no such path: /path/traffic' };
  t.match(await error(), /no such path/, 'an older kubelet');
});

t.test('a kubelet that does not answer is waited for five seconds', async (t) => {
  answer = 'silence';
  const reading = server.call('GET', `${path}/n`);
  // Then the reader waits already; other timers of the server may have the same time left.
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(5_000);
  t.equal((await reading).json.error, 'the kubelet of node n has not answered within 5 s');
  const next = server.call('GET', `${path}/n`);
  kubelet.closeAllConnections();
  t.match((await next).json.error, /cannot reach the kubelet of node n/, 'the next reader waits for the same answer');
  t.equal(asked.length, 1);
});

t.test('as a table', async (t) => {
  const accept = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };
  const { json } = await server.call('GET', path, accept);
  t.same(
    json.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Connections', 'Edges', 'Stopped', 'Counting', 'Problem'],
  );
  const rows = Object.fromEntries(json.rows.map(({ cells }: { cells: unknown[] }) => [cells[0], cells.slice(1)]));
  t.strictSame(rows.n, [12, 3, 7, '65s', 'a part cannot be read']);
  t.match(rows.down, [null, null, null, '', /not ready/]);
});

t.test('rights', async (t) => {
  const as = { as: await server.identity('jane') };
  t.match(await server.call('GET', path, as), {
    status: 403,
    json: { message: /"jane" cannot list resource "nodetraffics" .*; ClusterRole k8ts:traffic has this right$/ },
  });
  t.same(asked, []);
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'k8ts:traffic' };
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await server.call('POST', bindings, { body: { metadata: { name: 'jane' }, roleRef, subjects } });
  t.equal((await server.call('GET', path, as)).status, 200);
  // What the topology of the console watches.
  for (const names of [
    ...['namespaces', 'nodes', 'pods', 'services'].map((name) => `/api/v1/${name}`),
    ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((name) => `/apis/apps/v1/${name}`),
    ...['ingresses', 'networkpolicies'].map((name) => `/apis/networking.k8s.io/v1/${name}`),
    '/apis/discovery.k8s.io/v1/endpointslices',
  ]) {
    t.equal((await server.call('GET', names, as)).status, 200, names);
  }
  t.equal((await server.call('GET', '/api/v1/secrets', as)).status, 403);
});
