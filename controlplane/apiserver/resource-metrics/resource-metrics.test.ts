// metrics.k8s.io over HTTPS, with an HTTPS server that plays a kubelet.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { FakeClock } from '../../../test/lib/fake-clock';

const merge = 'application/merge-patch+json';
const api = '/apis/metrics.k8s.io/v1beta1';
const time = '2026-01-02T03:04:05Z';
const services = '/apis/apiregistration.k8s.io/v1/apiservices';

let server: TestServer;
let kubelet: Server;
let summary: object = {};
const urls: string[] = [];
const clock = new FakeClock(Date.parse(time));
const usage = (cores: number, bytes: number) => ({
  cpu: { time, usageNanoCores: cores },
  memory: { time, workingSetBytes: bytes },
});
const uids = new Map<string, string>();

t.before(async () => {
  server = await startApiServer({ tokenFile: 'tok,jane,u\n', clock });
  const { cert, key } = await server.serving('127.0.0.1');
  kubelet = createServer({ cert, key, ca: server.ca, requestCert: true }, (request, response) => {
    urls.push(request.url ?? '');
    response.end(JSON.stringify(summary));
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  const { port } = kubelet.address() as AddressInfo;
  for (const [name, ready] of [
    ['n', 'True'],
    ['down', 'Unknown'],
  ] as const) {
    await server.call('POST', '/api/v1/nodes', { body: { metadata: { name, labels: { zone: name } } } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: [{ type: 'Ready', status: ready }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    const answer = await server.call('PATCH', `/api/v1/nodes/${name}/status`, {
      type: merge,
      body: { status: name === 'n' ? status : { conditions: status.conditions } },
    });
    t.equal(answer.status, 200);
  }
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  for (const [name, nodeName] of [
    ['web', 'n'],
    ['db', 'n'],
    ['far', 'down'],
    ['unbound', undefined],
  ] as const) {
    const body = {
      metadata: { name, labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'i' }], ...(nodeName ? { nodeName } : {}) },
    };
    const { json } = await server.call('POST', '/api/v1/namespaces/default/pods', { body });
    uids.set(name, json.metadata.uid);
  }
  const pod = (name: string, ...containers: object[]) => ({ podRef: { uid: uids.get(name), name }, containers });
  summary = {
    node: usage(250_000_000, 1024 * 1024),
    pods: [
      pod('web', { name: 'c', ...usage(1_234_567, 4096) }, { name: 'side', ...usage(1_000_000, 4096) }),
      pod('db', { name: 'c', ...usage(5, 8192) }),
      pod('far', { name: 'c', ...usage(5, 8192) }),
    ],
  };
});
t.teardown(async () => {
  await server.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

const names = ({ items }: { items: { metadata: { name: string } }[] }) => items.map(({ metadata }) => metadata.name);

t.test('nodes', async (t) => {
  const list = await server.call('GET', `${api}/nodes`);
  t.match(list.json, {
    kind: 'NodeMetricsList',
    apiVersion: 'metrics.k8s.io/v1beta1',
    items: [
      {
        kind: 'NodeMetrics',
        metadata: { name: 'n', labels: { zone: 'n' }, creationTimestamp: time },
        timestamp: time,
        window: '10s',
        usage: { cpu: '250m', memory: '1Mi' },
      },
    ],
  });
  t.same(names(list.json), ['n'], 'a node that is not ready has no metrics');
  t.match((await server.call('GET', `${api}/nodes/n`)).json, { kind: 'NodeMetrics', usage: { cpu: '250m' } });
  const missing = await server.call('GET', `${api}/nodes/down`);
  t.match(missing, { status: 404, json: { message: 'nodemetrics.metrics.k8s.io "down" not found' } });
  t.same(names((await server.call('GET', `${api}/nodes?labelSelector=zone%3Dother`)).json), []);
  t.same(urls, ['/stats/summary?only_cpu_and_memory=true'], 'one question for all of them');
});

t.test('pods', async (t) => {
  const all = await server.call('GET', `${api}/pods`);
  t.same(names(all.json).sort(), ['db', 'web'], 'only of the node that they are bound to');
  t.match((await server.call('GET', `${api}/namespaces/default/pods/web`)).json, {
    kind: 'PodMetrics',
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
    containers: [
      { name: 'c', usage: { cpu: '1234567n', memory: '4Ki' } },
      { name: 'side', usage: { cpu: '1m', memory: '4Ki' } },
    ],
  });
  t.match(await server.call('GET', `${api}/namespaces/default/pods/unbound`), {
    status: 404,
    json: { message: 'podmetrics.metrics.k8s.io "default/unbound" not found' },
  });
  const selected = async (query: string) => names((await server.call('GET', `${api}/pods?${query}`)).json).sort();
  t.same(await selected('labelSelector=app%3Dweb'), ['web']);
  t.same(await selected('fieldSelector=metadata.name%3Ddb'), ['db']);
  t.same(await selected('fieldSelector=metadata.name%21%3Ddb'), ['web']);
  t.same(names((await server.call('GET', `${api}/namespaces/other/pods`)).json), []);
  t.match(await server.call('GET', `${api}/pods?fieldSelector=spec.nodeName%3Dn`), { status: 400 });
});

t.test('as a table', async (t) => {
  const accept = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };
  const { json } = await server.call('GET', `${api}/namespaces/default/pods?labelSelector=app%3Dweb`, accept);
  t.same(
    json.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'cpu', 'memory', 'Window'],
  );
  t.same(json.rows[0].cells, ['web', '2234567n', '8Ki', '10s']);
});

t.test('no other verbs; discovery and the local APIService', async (t) => {
  t.match(await server.call('DELETE', `${api}/nodes/n`), { status: 405 });
  const { resources } = (await server.call('GET', api)).json;
  t.match(resources, [
    { name: 'nodes', kind: 'NodeMetrics', namespaced: false, verbs: ['get', 'list'] },
    { name: 'pods', kind: 'PodMetrics', namespaced: true, verbs: ['get', 'list'] },
  ]);
  const { json } = await server.call('GET', `${services}/v1beta1.metrics.k8s.io`);
  t.match(json.spec, { group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 });
});

t.test('a user needs a permission; view, edit and admin have it for pods', async (t) => {
  const as = { as: null, headers: { authorization: 'Bearer tok' } };
  t.match(await server.call('GET', `${api}/namespaces/default/pods`, as), {
    status: 403,
    json: {
      message:
        /pods\.metrics\.k8s\.io is forbidden: User "jane" cannot list resource "pods" in API group "metrics\.k8s\.io"/,
    },
  });
  const { json } = await server.call(
    'GET',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader',
  );
  t.match(json, {
    metadata: {
      labels: {
        'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
        'rbac.authorization.k8s.io/aggregate-to-edit': 'true',
        'rbac.authorization.k8s.io/aggregate-to-view': 'true',
      },
    },
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['nodes', 'pods'], verbs: ['get', 'list', 'watch'] }],
  });
});

t.test('the APIService of another server takes its place', async (t) => {
  const change = {
    spec: { service: { namespace: 'kube-system', name: 'metrics-server' }, insecureSkipTLSVerify: true },
  };
  const path = `${services}/v1beta1.metrics.k8s.io`;
  t.equal((await server.call('PATCH', path, { type: merge, body: change })).status, 200);
  t.match(await server.call('GET', `${api}/nodes`), { status: 503, text: 'service unavailable\n' });
  t.equal((await server.call('DELETE', path)).status, 200);
  t.match((await server.call('GET', `${api}/nodes`)).json, { kind: 'NodeMetricsList' });
});

t.test('a kubelet that does not answer in JSON, and answers that are too old', async (t) => {
  summary = [];
  clock.advance(11_000);
  t.same(names((await server.call('GET', `${api}/nodes`)).json), []);
  t.equal(urls.length, 2);
});
