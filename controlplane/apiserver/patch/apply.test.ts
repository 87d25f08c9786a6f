import t from 'tap';
import { configMaps } from '../../api/config-map';
import { deployments } from '../../api/deployment';
import type { Kind } from '../../api/kind';
import { pods } from '../../api/pod';
import { loadSchemas } from '../../api/schema/load';
import { services } from '../../api/service';
import type { KubeObject } from '../../api/types';
import { isConflict } from '../../base/errors';
import { type ApplyRequest, apply } from './apply';
import { trackUpdate } from './track-update';

const schemas = loadSchemas();

const now = Date.parse('2026-01-01T00:00:00Z');
type Body = Record<string, unknown>;
const object = (body: Body): KubeObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'a', namespace: 'n' },
  ...body,
});

function run(kind: Kind, live: KubeObject | undefined, body: Body, manager: string, rest: Partial<ApplyRequest> = {}) {
  const write = { kind, schema: schemas.of(kind), manager, subresource: '', now };
  return apply({ ...write, live, applied: object(body), force: false, ...rest });
}
const owners = (result: KubeObject) =>
  (result.metadata?.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }));

t.test('the first apply creates and owns', async (t) => {
  const result = run(configMaps, undefined, { data: { a: '1', b: '2' } }, 'me');
  t.same((result as unknown as Body)['data'], { a: '1', b: '2' });
  t.same(owners(result), [{ manager: 'me', operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } }]);
  t.equal(result.metadata?.managedFields?.[0]?.time, '2026-01-01T00:00:00Z');
});

t.test('fields no longer applied are removed, unless another manager owns them', async (t) => {
  const first = run(configMaps, undefined, { data: { a: '1', b: '2' } }, 'me');
  const second = run(configMaps, first, { data: { b: '2', c: '3' } }, 'other');
  t.same((second as unknown as Body)['data'], { a: '1', b: '2', c: '3' }, 'equal values are owned together');
  const third = run(configMaps, second, { data: {} }, 'me');
  t.same((third as unknown as Body)['data'], { b: '2', c: '3' }, 'the removed field a was owned by this manager only');
  const last = run(configMaps, third, {}, 'other');
  t.same((last as unknown as Body)['data'], {}, 'the empty map stays because this manager still owns it');
});

t.test('apply of a field that another manager owns is a conflict', async (t) => {
  const live = run(deployments, undefined, { spec: { replicas: 1, paused: true } }, 'me');
  const change = { spec: { replicas: 2 } };
  try {
    run(deployments, live, change, 'other');
    t.fail('no conflict');
  } catch (err) {
    t.ok(isConflict(err));
    t.match(err, {
      message: 'Apply failed with 1 conflict: conflict with "me": .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.spec.replicas' }] },
    });
  }
  t.throws(() => run(deployments, live, { spec: { replicas: 2, paused: false } }, 'other'), {
    message: 'Apply failed with 2 conflicts: conflicts with "me":\n- .spec.paused\n- .spec.replicas',
  });
  const forced = run(deployments, live, change, 'other', { force: true });
  t.match(forced, { spec: { replicas: 2, paused: true } });
  t.same(owners(forced), [
    { manager: 'me', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:paused': {} } } },
    { manager: 'other', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ]);
});

t.test('lists merge by their keys', async (t) => {
  const live = run(pods, undefined, { spec: { containers: [{ name: 'a', image: '1', args: ['x'] }] } }, 'me');
  const both = run(
    pods,
    live,
    { spec: { containers: [{ name: 'b', image: '2' }], tolerations: [{ key: 'k' }] } },
    'other',
  );
  t.match(both, {
    spec: {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '2' },
      ],
    },
  });
  const without = run(pods, both, { spec: { tolerations: [{ key: 'k' }] } }, 'other');
  t.same((without as unknown as Body)['spec'], {
    containers: [{ name: 'a', image: '1', args: ['x'] }],
    tolerations: [{ key: 'k' }],
  });
  const service = run(services, undefined, { spec: { ports: [{ port: 80 }] } }, 'me');
  const named = run(services, service, { spec: { ports: [{ port: 80, protocol: 'TCP', name: 'x' }] } }, 'other');
  t.same(
    (named as unknown as { spec: Body }).spec['ports'],
    [{ port: 80, protocol: 'TCP', name: 'x' }],
    'an absent key means its default',
  );
  t.throws(
    () => run(pods, both, { spec: { tolerations: [{ key: 'l' }] } }, 'me'),
    /conflict with "other": \.spec\.tolerations$/,
    'atomic lists are one field',
  );
});

t.test('the order of merged lists', async (t) => {
  const named = (names: string) => [...names].map((name) => ({ name }));
  for (const [live, applied, merged] of [
    ['ab', 'cd', 'abcd'],
    ['ab', 'ba', 'ba'],
    ['axb', 'ba', 'xba'],
    ['axb', 'anb', 'axnb'],
    ['xa', 'an', 'xan'],
    ['ax', 'na', 'nax'],
    ['abc', 'cxa', 'bcxa'],
    ['ab', '', 'ab'],
  ] as const) {
    const before = run(pods, undefined, { spec: { containers: named(live) } }, 'me');
    const after = run(pods, before, { spec: { containers: named(applied) } }, 'other') as unknown as {
      spec: { containers: { name: string }[] };
    };
    t.equal(after.spec.containers.map(({ name }) => name).join(''), merged, `${live} and ${applied}`);
    const finalizers = (names: string) => ({
      metadata: { name: 'a', finalizers: [...names].map((one) => `e.com/${one}`) },
    });
    const one = run(configMaps, undefined, finalizers(live), 'me');
    const two = run(configMaps, one, finalizers(applied), 'other');
    t.same(two.metadata?.finalizers, finalizers(merged).metadata.finalizers, `the set ${live} and ${applied}`);
  }
});

t.test(
  'an element that its applier gives up is removed with the fields of others, unless they own the element',
  async (t) => {
    const spec = (containers: object[]) => ({ spec: { containers } });
    const first = run(pods, undefined, spec([{ name: 'a' }, { name: 'b' }]), 'me');
    const write = { kind: pods, schema: schemas.of(pods), manager: 'you', subresource: '', now, onCreate: true };
    const after = object(spec([{ name: 'a' }, { name: 'b', image: '2' }]));
    const live = {
      ...after,
      metadata: { ...after.metadata, managedFields: trackUpdate({ ...write, before: first, after })! },
    };
    const without = run(pods, live, spec([{ name: 'a' }]), 'me') as unknown as Body;
    t.same(without['spec'], spec([{ name: 'a' }]).spec);
    const shared = run(pods, live, spec([{ name: 'b' }]), 'other');
    const kept = run(pods, shared, spec([{ name: 'a' }]), 'me') as unknown as Body;
    t.same(kept['spec'], spec([{ name: 'a' }, { name: 'b', image: '2' }]).spec);
  },
);

t.test('an object that was never applied', async (t) => {
  const live = object({ data: { a: '1' } });
  t.throws(() => run(configMaps, live, { data: { a: '2' } }, 'me'), {
    message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
  });
  const result = run(configMaps, live, { data: { a: '1', b: '2' } }, 'me');
  t.same(owners(result), [
    { manager: 'me', operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } },
    { manager: 'before-first-apply', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } },
  ]);
});

t.test('an apply without a change changes nothing', async (t) => {
  const live = run(configMaps, undefined, { data: { a: '1' } }, 'me');
  t.same(run(configMaps, live, { data: { a: '1' } }, 'me', { now: now + 60_000 }), live);
});

t.test('a body with managedFields', async (t) => {
  const metadata = { name: 'a', managedFields: [{ manager: 'x' }] };
  t.throws(() => run(configMaps, undefined, { metadata }, 'me'), /metadata\.managedFields must be nil/);
});

t.test('the cost of an apply grows linearly with its lists', async (t) => {
  const ports = Array.from({ length: 1_000 }, (_, i) => ({ name: `p${i}`, port: i + 1, protocol: 'TCP' }));
  const finalizers = Array.from({ length: 900 }, (_, i) => `example.com/f${i}`);
  const metadata = { name: 'a', namespace: 'n', finalizers };
  let live = run(services, undefined, { metadata, spec: { ports } }, 'me');
  for (let i = 0; i < 20; i++) live = run(services, live, { spec: { ports: ports.slice(0, 40) } }, `m${i}`);
  const start = process.cpuUsage();
  const turned = [...ports].reverse().slice(0, 500);
  const result = run(services, live, { metadata: { ...metadata, finalizers: [] }, spec: { ports: turned } }, 'me');
  const { user } = process.cpuUsage(start);
  t.equal(((result as unknown as Body)['spec'] as { ports: unknown[] }).ports.length, 540);
  t.notOk(result.metadata?.finalizers?.length);
  t.ok(user < 4_000_000, `${user} us; quadratic work takes a minute`);
});
