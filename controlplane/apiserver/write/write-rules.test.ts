// Rules that wait, as webhooks do, and a rule that reserves, as a quota does, over real HTTPS: they run for every kind of write.
import t, { type Test } from 'tap';
import { type CallOptions, startApiServer, type TestServer } from '../../../test/lib/api-server';
import type { ConfigMap } from '../../api/index';
import { Invalid } from '../../base/errors';
import { writeOrder } from './order';
import { refusal, type Write, type WriteRule } from './rule';

const merge = 'application/merge-patch+json';
const applyType = 'application/apply-patch+yaml';
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const replicaSets = '/apis/apps/v1/namespaces/default/replicasets';
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const testsKind = ({ kind }: Write) =>
  ['configmaps', 'pods', 'replicasets', 'serviceaccounts', 'services'].includes(kind.plural);

async function serve(t: Test, ...rules: readonly WriteRule[]): Promise<TestServer> {
  const server = await startApiServer({ rules: [...writeOrder, ...rules.map((rule) => () => rule)] });
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  return server;
}

t.test('a rule that waits changes created, replaced, patched and applied objects', async (t) => {
  const server = await serve(t, {
    name: 'Mutating',
    concerns: testsKind,
    async mutate({ object, operation, subresource }) {
      await turn();
      if (!object) return;
      const seen = `${operation}${subresource && `-${subresource}`}`;
      object.metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, seen } };
    },
  });
  const seen = async (method: string, path: string, options: CallOptions) => {
    const { json } = await server.call(method, path, options);
    return json.metadata?.annotations?.seen ?? json;
  };
  const body = { metadata: { name: 'm' }, data: { a: '1' } };
  t.equal(await seen('POST', maps, { body }), 'create');
  t.equal(await seen('PUT', `${maps}/m`, { body: { ...body, data: { a: '2' } } }), 'update');
  t.equal(await seen('PATCH', `${maps}/m`, { type: merge, body: { data: { a: '3' } } }), 'update');
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'n' }, data: { a: '1' } };
  const apply = { type: applyType, body: applied };
  t.equal(await seen('PATCH', `${maps}/n?fieldManager=f`, apply), 'create');
  const again = { ...applied, data: { a: '2' } };
  t.equal(await seen('PATCH', `${maps}/n?fieldManager=f`, { type: applyType, body: again }), 'update');
  t.equal(await seen('POST', pods, { body: { metadata: { generateName: 'g-' }, spec: podSpec } }), 'create');
  await server.call('POST', pods, { body: { metadata: { name: 'p' }, spec: podSpec } });
  const phase = { type: merge, body: { status: { phase: 'Running' } } };
  t.equal(await seen('PATCH', `${pods}/p/status`, phase), 'update-status');
  await server.call('POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target: { name: 'node' } } });
  t.equal(await seen('GET', `${pods}/p`, {}), 'update-binding');
  const labels = { a: 'b' };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } };
  await server.call('POST', replicaSets, { body: { metadata: { name: 'r' }, spec } });
  await server.call('PATCH', `${replicaSets}/r/scale`, { type: merge, body: { spec: { replicas: 3 } } });
  t.equal(await seen('GET', `${replicaSets}/r`, {}), 'update-scale');
});

t.test('a rule that waits and refuses, in either phase, stops every kind of write', async (t) => {
  let refusing: 'mutate' | 'validate' | undefined;
  const refuseIn = (phase: 'mutate' | 'validate') => async (write: Write) => {
    await turn();
    if (refusing === phase) throw refusal(write, `the ${phase} rule said no`);
  };
  const server = await serve(t, {
    name: 'Refusing',
    concerns: testsKind,
    mutate: refuseIn('mutate'),
    validate: refuseIn('validate'),
  });
  await server.call('POST', maps, { body: { metadata: { name: 'm' }, data: { a: '1' } } });
  await server.call('POST', pods, { body: { metadata: { name: 'p' }, spec: podSpec } });
  const account = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const ways: readonly (readonly [string, string, CallOptions])[] = [
    ['POST', maps, { body: { metadata: { name: 'new' } } }],
    ['PUT', `${maps}/m`, { body: { metadata: { name: 'm' }, data: { a: '2' } } }],
    ['PATCH', `${maps}/m`, { type: merge, body: { data: { a: '2' } } }],
    [
      'PATCH',
      `${maps}/m?fieldManager=f&force=true`,
      { type: applyType, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: '2' } } },
    ],
    ['DELETE', `${maps}/m`, {}],
    ['DELETE', maps, {}],
    ['PATCH', `${pods}/p/status`, { type: merge, body: { status: { phase: 'Running' } } }],
    ['POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target: { name: 'node' } } }],
    ['POST', `${pods}/p/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } } }],
    ['POST', account, { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } }],
  ];
  const before = [await server.call('GET', `${maps}/m`), await server.call('GET', `${pods}/p`)];
  for (const phase of ['mutate', 'validate'] as const) {
    refusing = phase;
    for (const [method, path, options] of ways) {
      const answer = await server.call(method, path, options);
      t.match(answer.json, { code: 403, message: `the ${phase} rule said no` }, `${phase}: ${method} ${path}`);
    }
  }
  const after = [await server.call('GET', `${maps}/m`), await server.call('GET', `${pods}/p`)];
  t.strictSame(
    after.map(({ text }) => text),
    before.map(({ text }) => text),
    'nothing was written',
  );
});

t.test('a write is retried on the newer object when another write comes first while a rule waits', async (t) => {
  const reached = Promise.withResolvers<void>();
  const overtaken = Promise.withResolvers<void>();
  const attempts: (string | undefined)[] = [];
  const server = await serve(t, {
    name: 'Slow',
    concerns: ({ kind, user, operation }) =>
      kind.plural === 'configmaps' && operation !== 'create' && user.groups.includes('slow'),
    async mutate({ old }) {
      attempts.push((old as ConfigMap).data?.['a']);
      reached.resolve();
      await overtaken.promise;
    },
  });
  await server.call('POST', maps, { body: { metadata: { name: 'm' }, data: { a: '1' } } });
  const slow = await server.identity('slow', 'slow', 'system:masters');
  const patch = server.call('PATCH', `${maps}/m`, { type: merge, body: { data: { b: '2' } }, as: slow });
  await reached.promise;
  await server.call('PATCH', `${maps}/m`, { type: merge, body: { data: { a: '3' } } });
  overtaken.resolve();
  t.match((await patch).json, { data: { a: '3', b: '2' } }, 'both changes are stored');
  t.strictSame(attempts, ['1', '3'], 'the rule was run on the newer object too');
});

t.test('a deletion and a replacement, when another write comes first while a rule waits', async (t) => {
  let wait = { reached: Promise.withResolvers<void>(), overtaken: Promise.withResolvers<void>() };
  const revisions: (string | undefined)[] = [];
  const server = await serve(t, {
    name: 'Slow',
    concerns: ({ kind, user, operation }) =>
      kind.plural === 'configmaps' && operation !== 'create' && user.groups.includes('slow'),
    async validate({ old }) {
      revisions.push(old?.metadata?.resourceVersion);
      wait.reached.resolve();
      await wait.overtaken.promise;
    },
  });
  const slow = await server.identity('slow', 'slow', 'system:masters');
  const create = async () => {
    const { json } = await server.call('POST', maps, { body: { metadata: { name: 'm' }, data: { a: '1' } } });
    return json.metadata.resourceVersion as string;
  };
  const overtake = async (a: string) => {
    await wait.reached.promise;
    await server.call('PATCH', `${maps}/m`, { type: merge, body: { data: { a } } });
    wait.overtaken.resolve();
  };
  const read = await create();
  const body = { metadata: { name: 'm', resourceVersion: read }, data: { a: '2' } };
  const replaced = server.call('PUT', `${maps}/m`, { body, as: slow });
  await overtake('3');
  t.match((await replaced).json, { code: 409, reason: 'Conflict' }, 'it was computed from the older object');
  wait = { reached: Promise.withResolvers<void>(), overtaken: Promise.withResolvers<void>() };
  revisions.length = 0;
  const deleted = server.call('DELETE', `${maps}/m`, { as: slow });
  await overtake('4');
  t.match((await deleted).json, { status: 'Success' });
  t.equal(new Set(revisions).size, 2, 'the rule ran on the deleted version of the object');
  t.equal((await server.call('GET', `${maps}/m`)).status, 404);
});

t.test('a quota counts every kind, runs last, and gets failed writes back', async (t) => {
  const used = new Map<string, number>();
  const spec = { ports: [{ port: 80 }] };
  let limit = 1_000;
  let seenAddress: unknown;
  const server = await serve(t, {
    name: 'Quota',
    concerns: ({ operation, namespace, context }) =>
      operation === 'create' && namespace === 'default' && context !== undefined,
    async reserve({ kind: { plural }, object }) {
      await turn();
      seenAddress = (object as { spec?: { clusterIP?: string } }).spec?.clusterIP;
      const count = used.get(plural) ?? 0;
      if (count >= limit) throw new Invalid(`exceeded quota: ${plural}`);
      used.set(plural, count + 1);
      return { undo: () => used.set(plural, (used.get(plural) ?? 0) - 1) };
    },
  });
  used.clear();
  limit = 1;
  const services = '/api/v1/namespaces/default/services';
  const create = (path: string, name: string, rest: object) =>
    server.call('POST', path, { body: { metadata: { name: name.split('?')[0] }, ...rest } });
  t.equal((await create(maps, 'm', {})).status, 201);
  t.equal((await create(services, 's', { spec })).status, 201);
  t.match(seenAddress, /^10\./, 'it runs after addresses are reserved');
  const address = '10.96.200.7';
  const asked = { spec: { ...spec, clusterIP: address } };
  t.match((await create(services, 'over', asked)).json, { code: 422, message: 'exceeded quota: services' });
  limit = 2;
  t.equal((await create(services, 's', { spec })).status, 409, 'the name exists already');
  t.equal((await create(`${services}?dryRun=All`, 'dry', asked)).status, 201);
  t.strictSame(Object.fromEntries(used), { configmaps: 1, services: 1 });
  const kept = await create(services, 'kept', asked);
  t.equal(kept.json.spec.clusterIP, address, 'the refused Service and the dry run released their addresses');
  t.strictSame(Object.fromEntries(used), { configmaps: 1, services: 2 });
});
