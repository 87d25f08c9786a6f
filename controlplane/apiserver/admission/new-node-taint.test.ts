// The taint of new Nodes over real HTTPS. test/integration/node-lifecycle.test.ts shows how a Node loses it.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const path = '/api/v1/nodes';
const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const own = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

t.test('a new Node has the not-ready taint', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const evicting = { ...notReady, effect: 'NoExecute' };
  const valued = { ...notReady, value: 'x' };
  const cases: { name: string; body?: object; want: object[] }[] = [
    { name: 'no-spec', want: [notReady] },
    { name: 'empty-spec', body: { spec: {} }, want: [notReady] },
    { name: 'other-taints', body: { spec: { taints: [own] } }, want: [own, notReady] },
    { name: 'other-effect', body: { spec: { taints: [evicting] } }, want: [evicting, notReady] },
    { name: 'tainted', body: { spec: { taints: [notReady, own] } }, want: [notReady, own] },
    { name: 'tainted-with-a-value', body: { spec: { taints: [valued] } }, want: [valued] },
    {
      name: 'ready',
      body: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      want: [notReady],
    },
  ];
  for (const { name, body = {}, want } of cases) {
    const created = await server.call('POST', path, { body: { metadata: { name }, ...body } });
    t.equal(created.status, 201, name);
    t.strictSame(created.json.spec.taints, want, name);
  }
});

t.test('every way to create a Node sets the taint', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const node = await server.identity('system:node:n1', 'system:nodes');
  const registered = await server.call('POST', path, { body: { metadata: { name: 'n1' } }, as: node });
  t.strictSame(registered.json.spec.taints, [notReady], 'a kubelet registers');
  const applied = await server.call('PATCH', `${path}/n2?fieldManager=f`, {
    type: 'application/apply-patch+yaml',
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n2' }, spec: { podCIDR: '10.244.9.0/24' } },
  });
  t.equal(applied.status, 201);
  t.strictSame(applied.json.spec.taints, [notReady], 'server-side apply creates');
  const dry = await server.call('POST', `${path}?dryRun=All`, { body: { metadata: { name: 'n3' } } });
  t.strictSame(dry.json.spec.taints, [notReady], 'a dry run shows the taint');
});

t.test('an update does not set the taint again', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json: node } = await server.call('POST', path, { body: { metadata: { name: 'n1' } } });
  const replaced = await server.call('PUT', `${path}/n1`, { body: { ...node, spec: { taints: [own] } } });
  t.strictSame(replaced.json.spec.taints, [own], 'PUT');
  const patched = await server.call('PATCH', `${path}/n1`, {
    type: 'application/merge-patch+json',
    body: { spec: { taints: null } },
  });
  t.equal(patched.status, 200);
  t.equal(patched.json.spec.taints, undefined, 'PATCH');
  const reported = await server.call('PATCH', `${path}/n1/status`, {
    type: 'application/merge-patch+json',
    body: { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
  });
  t.equal(reported.status, 200);
  t.equal(reported.json.spec.taints, undefined, 'a status');
});
