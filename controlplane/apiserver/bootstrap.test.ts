// The objects of every cluster, and which of them are created again after a deletion.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { BadRequest, StoreUnavailable } from '../base/errors';
import { type Fields, silentLogger } from '../base/logger';
import { type BootstrapOptions, bootstrap, bootstrapWhenPossible, keepServices } from './bootstrap';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());
const loopback = () => server.api.transport({ name: 'system:apiserver', groups: ['system:masters'] });
const options = (): BootstrapOptions => ({
  advertiseAddress: '10.9.8.7',
  port: server.port,
  kubernetesIp: '10.96.0.1',
  dnsIp: '10.96.0.10',
  caPem: server.ca,
  proxyCaPem: server.ca,
  serviceCidrs: ['10.96.0.0/12'],
  now: Date.now,
});

t.test('an Ingress without a class gets the default class', async (t) => {
  const { json } = await server.call('GET', '/apis/networking.k8s.io/v1/ingressclasses/k8ts');
  t.match(json, {
    metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'k8ts.dev/ingress' },
  });
});

t.test('a claim without a class gets the default class', async (t) => {
  const { json } = await server.call('GET', '/apis/storage.k8s.io/v1/storageclasses/standard');
  t.match(json, {
    metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'k8ts.io/directory',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
});

t.test('the day since which the use of tokens is recorded stays at the next start', async (t) => {
  const path = '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking';
  const since = async () => (await server.call('GET', path)).json.data.since;
  t.match(await since(), /^\d{4}-\d{2}-\d{2}$/);
  const write = (since: string) =>
    server.call('PATCH', path, { type: 'application/merge-patch+json', body: { data: { since } } });
  await write('2024-05-06');
  await bootstrap(loopback(), options());
  t.equal(await since(), '2024-05-06');
  await write('long ago');
  await bootstrap(loopback(), { ...options(), now: () => Date.parse('2026-07-08T09:10:11Z') });
  t.equal(await since(), '2026-07-08');
});

t.test('the Services kubernetes and kube-dns come back', async (t) => {
  const paths = ['default/services/kubernetes', 'kube-system/services/kube-dns'];
  const before = await Promise.all(paths.map((path) => server.call('GET', `/api/v1/namespaces/${path}`)));
  for (const path of paths) await server.call('DELETE', `/api/v1/namespaces/${path}`);
  const stop = new AbortController();
  let rounds = 0;
  // The first sleep ends at once, the second one ends the loop: one repair between them.
  const clock = {
    sleep: async () => {
      if (rounds++ === 0) return;
      stop.abort();
      throw stop.signal.reason;
    },
  };
  await keepServices(loopback(), options(), { clock, log: silentLogger, signal: stop.signal });
  for (const [at, path] of paths.entries()) {
    const { status, json } = await server.call('GET', `/api/v1/namespaces/${path}`);
    t.equal(status, 200, path);
    t.not(json.metadata.uid, before[at]!.json.metadata.uid);
    t.equal(json.spec?.clusterIP, before[at]!.json.spec?.clusterIP);
  }
});

t.test('a start aggregates the roles of an older cluster, and keeps what others wrote', async (t) => {
  const path = (name: string) => `/apis/rbac.authorization.k8s.io/v1/clusterroles/${name}`;
  const aggregateTo = (name: string) => `rbac.authorization.k8s.io/aggregate-to-${name}`;
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  const selector = { matchLabels: { a: 'b' } };
  const write = (name: string, body: object) =>
    server.call('PATCH', path(name), { type: 'application/merge-patch+json', body });
  await write('admin', { rules, aggregationRule: null });
  await write('edit', { rules, metadata: { labels: { [aggregateTo('admin')]: null, team: 'x' } } });
  await write('view', {
    metadata: { labels: { [aggregateTo('edit')]: 'false' } },
    aggregationRule: { clusterRoleSelectors: [selector] },
  });
  await write('system:aggregate-to-view', { rules: [] });
  await bootstrap(loopback(), options());
  const read = async (name: string) => (await server.call('GET', path(name))).json;
  const own = (name: string) => ({ matchLabels: { [aggregateTo(name)]: 'true' } });
  const admin = await read('admin');
  t.same(admin.rules, rules, 'until the controller replaces them, nobody loses a permission');
  t.same(admin.aggregationRule.clusterRoleSelectors, [own('admin')]);
  const edit = await read('edit');
  t.match(edit.metadata.labels, { [aggregateTo('admin')]: 'true', team: 'x' });
  const view = await read('view');
  t.same(view.aggregationRule.clusterRoleSelectors, [selector, own('view')]);
  t.equal(view.metadata.labels[aggregateTo('edit')], 'false', 'an administrator keeps a role out');
  t.ok((await read('system:aggregate-to-view')).rules.length > 0);
  await bootstrap(loopback(), options());
  t.equal((await read('view')).metadata.resourceVersion, view.metadata.resourceVersion, 'no write without a change');
});

t.test('a start begins again with a role that a controller writes at the same time', async (t) => {
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/edit';
  const rules = [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }];
  const patch = (body: object) => server.call('PATCH', path, { type: 'application/merge-patch+json', body });
  await patch({ aggregationRule: null });
  const transport = loopback();
  let puts = 0;
  const send: typeof transport.send = async (request) => {
    if (request.method === 'PUT' && request.path === path && puts++ === 0) await patch({ rules });
    return transport.send(request);
  };
  await bootstrap({ send, close: () => transport.close() }, options());
  const { json } = await server.call('GET', path);
  t.equal(puts, 2);
  t.same(json.rules, rules, 'what the other wrote is there');
  t.equal(json.aggregationRule.clusterRoleSelectors.length, 1);
});

t.test('a start that finds everything as it should be writes nothing', async (t) => {
  await bootstrap(loopback(), options());
  const transport = loopback();
  const written: string[] = [];
  const send: typeof transport.send = (request) => {
    if (request.method !== 'GET') written.push(`${request.method} ${request.path}`);
    return transport.send(request);
  };
  await bootstrap({ send, close: () => transport.close() }, options());
  t.same(written, []);
});

t.test('a server with other ranges of ClusterIPs than the cluster says so', async (t) => {
  const warnings: [string, Fields | undefined][] = [];
  const log = { ...silentLogger, warn: (message: string, fields?: Fields) => void warnings.push([message, fields]) };
  const deps = { clock: { sleep: () => Promise.reject(new Error('no')) }, log, signal: new AbortController().signal };
  await bootstrapWhenPossible(loopback(), options(), deps);
  t.same(warnings, []);
  await bootstrapWhenPossible(loopback(), { ...options(), serviceCidrs: ['10.97.0.0/16'] }, deps);
  t.match(warnings, [[/--service-cidr/, { given: '10.97.0.0/16', used: '10.96.0.0/12' }]]);
});

t.test('a start goes on when the store answers again', async (t) => {
  const transport = loopback();
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const slept: number[] = [];
  const clock = {
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
  let failures = 0;
  const send: typeof transport.send = async (request) => {
    if (request.method === 'GET' && request.path.includes('/clusterroles/') && failures < 2) {
      failures++;
      throw new StoreUnavailable('etcd at 127.0.0.1:1: Connection dropped');
    }
    return transport.send(request);
  };
  const broken = { send, close: () => transport.close() };
  const stop = new AbortController();
  const deps = { clock, log, signal: stop.signal };
  await bootstrapWhenPossible(broken, options(), deps);
  t.same(slept, [1_000, 1_000]);
  t.equal(failures, 2);
  t.equal(warnings.length, 1, 'one line for the whole time');
  failures = 0;
  stop.abort(new Error('the server ends'));
  await t.rejects(bootstrapWhenPossible(broken, options(), deps), { message: 'the server ends' });
  const refused = { send: () => Promise.reject(new BadRequest('no')), close: () => {} };
  await t.rejects(bootstrapWhenPossible(refused, options(), deps), { code: 'BadRequest' });
});

t.test('a start repairs the objects of flow control, except those that an administrator has taken', async (t) => {
  const path = '/apis/flowcontrol.apiserver.k8s.io/v1';
  const precedence = async (name: string) =>
    (await server.call('GET', `${path}/flowschemas/${name}`)).json.spec.matchingPrecedence;
  const { json } = await server.call('GET', `${path}/prioritylevelconfigurations`);
  t.same(
    json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    [
      'catch-all',
      'exempt',
      'global-default',
      'leader-election',
      'node-high',
      'system',
      'workload-high',
      'workload-low',
    ],
  );
  const write = (name: string, body: object) =>
    server.call('PATCH', `${path}/flowschemas/${name}`, { type: 'application/merge-patch+json', body });
  const taken = { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } };
  t.equal((await write('probes', { spec: { matchingPrecedence: 3 } })).status, 200);
  t.equal((await write('service-accounts', { metadata: taken, spec: { matchingPrecedence: 3 } })).status, 200);
  t.equal((await write('exempt', { spec: { matchingPrecedence: 3 } })).status, 422, 'a mandatory one is fixed');
  await bootstrap(loopback(), options());
  t.same([await precedence('probes'), await precedence('service-accounts')], [2, 3]);
});
