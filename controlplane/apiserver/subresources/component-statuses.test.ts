// componentstatuses: computed at each request from the store and the Leases of the leaders; get and list only.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { openComponents } from './component-statuses';

const path = '/api/v1/componentstatuses';
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const renew = (name: string, spec: object) =>
  server.call('PUT', `${leases}/${name}`, { body: { metadata: { name, namespace: 'kube-system' }, spec } });
const now = () => new Date().toISOString().replace('Z', '000Z');

t.test('each component has a condition', async (t) => {
  await renew('kube-scheduler', { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: now() });
  const old = '2026-01-01T00:00:00.000000Z';
  await renew('kube-controller-manager', { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: old });
  const { json, headers } = await server.call('GET', path);
  t.equal(headers['warning'], '299 - "v1 ComponentStatus is deprecated in v1.19+"');
  const error = `the Lease kube-system/kube-controller-manager was last renewed at ${old}`;
  t.match(json, {
    kind: 'ComponentStatusList',
    apiVersion: 'v1',
    items: [
      { metadata: { name: 'scheduler' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
      { metadata: { name: 'controller-manager' }, conditions: [{ type: 'Healthy', status: 'False', error }] },
      { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
    ],
  });
  const shown = await server.call('GET', path, { headers: table });
  t.same(
    shown.json.rows.map(({ cells }: { cells: unknown[] }) => cells),
    [
      ['scheduler', 'Healthy', 'ok', ''],
      ['controller-manager', 'Unhealthy', '', error],
      ['etcd-0', 'Healthy', 'ok', ''],
    ],
  );
});

t.test('one component, selectors, encodings', async (t) => {
  const one = await server.call('GET', `${path}/etcd-0`);
  t.match(one.json, { kind: 'ComponentStatus', metadata: { name: 'etcd-0' }, conditions: [{ status: 'True' }] });
  const missing = await server.call('GET', `${path}/etcd-1`);
  t.match(missing.json, {
    code: 404,
    reason: 'NotFound',
    message: 'componentstatus "etcd-1" not found',
    details: { name: 'etcd-1', kind: 'componentstatus' },
  });
  const selected = await server.call('GET', `${path}?fieldSelector=metadata.name%3Detcd-0`);
  t.match(selected.json.items, [{ metadata: { name: 'etcd-0' } }]);
  t.equal(selected.json.items.length, 1);
  t.same((await server.call('GET', `${path}?labelSelector=a`)).json.items, []);
  for (const url of [path, `${path}/etcd-0`]) {
    const binary = await server.call('GET', url, { headers: { accept: 'application/vnd.kubernetes.protobuf' } });
    t.equal(binary.status, 200, url);
    t.match(binary.bytes.toString('latin1'), /^k8s\0.*ComponentStatus.*etcd-0/s, url);
  }
});

t.test('discovery and OpenAPI have the two verbs', async (t) => {
  const { json } = await server.call('GET', '/api/v1');
  const found = json.resources.find(({ name }: { name: string }) => name === 'componentstatuses');
  t.same(found, {
    name: 'componentstatuses',
    singularName: 'componentstatus',
    namespaced: false,
    kind: 'ComponentStatus',
    verbs: ['get', 'list'],
    shortNames: ['cs'],
  });
  const { paths } = (await server.call('GET', '/openapi/v3/api/v1')).json;
  t.same(Object.keys(paths[path]), ['get']);
  t.same(Object.keys(paths[`${path}/{name}`]), ['get']);
  t.equal((await server.call('DELETE', `${path}/etcd-0`)).status, 405);
  t.equal((await server.call('GET', `${path}?watch=1`)).status, 405);
});

t.test('without an election, the parts of this process are healthy', async (t) => {
  const other = await startApiServer();
  t.teardown(() => other.close());
  const clock = {
    now: () => Date.now(),
    elapsed: () => performance.now(),
    sleep: async () => {},
    after: () => () => {},
  };
  const failures = (...local: string[]) =>
    openComponents({ cache: other.cache, clock }, new Set(local)).map(({ failure }) => failure());
  t.same(failures('scheduler', 'controller-manager'), [undefined, undefined, undefined]);
  t.same(failures('scheduler'), [undefined, 'the Lease kube-system/kube-controller-manager does not exist', undefined]);
  await other.call('PUT', `${leases}/kube-scheduler`, {
    body: { metadata: { name: 'kube-scheduler' }, spec: { renewTime: now(), leaseTransitions: 1 } },
  });
  t.equal(failures('scheduler')[0], 'the Lease kube-system/kube-scheduler has no holder');
});
