// LimitRanges over real HTTPS: defaults for pods, and refusals.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

async function namespace(name: string, ...limits: object[]) {
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
  const base = `/api/v1/namespaces/${name}`;
  await server.call('POST', `${base}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  return server.call('POST', `${base}/limitranges`, { body: { metadata: { name: 'l' }, spec: { limits } } });
}
const pod = (ns: string, name: string, ...resources: object[]) =>
  server.call('POST', `/api/v1/namespaces/${ns}/pods`, {
    body: {
      metadata: { name },
      spec: { containers: resources.map((one, i) => ({ name: `c${i}`, image: 'i', resources: one })) },
    },
  });

t.test('containers get defaults for requests and limits', async (t) => {
  const made = await namespace('a', { type: 'Container', default: { cpu: '500m' }, max: { memory: '1024Mi' } });
  t.same(made.json.spec.limits, [
    {
      type: 'Container',
      max: { memory: '1Gi' },
      default: { cpu: '500m', memory: '1Gi' },
      defaultRequest: { cpu: '500m', memory: '1Gi' },
    },
  ]);
  const { json } = await pod('a', 'x', {}, { limits: { cpu: '1', memory: '1Mi' } });
  const [first, second] = json.spec.containers;
  const all = { cpu: '500m', memory: '1Gi' };
  t.same(first.resources, { requests: all, limits: all });
  t.same(second.resources, { requests: { cpu: '1', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } });
  t.equal(
    json.metadata.annotations['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0',
  );
});

t.test('minimum, maximum and ratio of a LimitRange', async (t) => {
  await namespace(
    'b',
    { type: 'Container', min: { cpu: '100m' }, maxLimitRequestRatio: { cpu: '2' } },
    { type: 'Pod', max: { memory: '100Mi' } },
  );
  const memory = '60Mi';
  const small = await pod('b', 'x', { requests: { cpu: '10m' }, limits: { cpu: '100m', memory: '1Mi' } });
  t.match(small.json, {
    code: 403,
    message:
      'pods "x" is forbidden: [minimum cpu usage per Container is 100m, but request is 10m, ' +
      'cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000]',
  });
  const fits = { requests: { cpu: '100m' }, limits: { cpu: '200m', memory } };
  t.match((await pod('b', 'y', fits, fits)).json, {
    code: 403,
    message: 'pods "y" is forbidden: maximum memory usage per Pod is 100Mi, but limit is 120Mi',
  });
  t.equal((await pod('b', 'z', fits)).status, 201);
  const none = await pod('b', 'w', { limits: { cpu: '1' }, requests: { cpu: '1' } });
  t.match(none.json.message, /maximum memory usage per Pod is 100Mi\. {2}No limit is specified$/);
});

t.test('invalid LimitRanges are refused', async (t) => {
  const { json } = await namespace(
    'c',
    { type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } },
    { type: 'Pod', default: { cpu: '1' } },
    { type: 'Thing' },
  );
  t.equal(json.code, 422);
  t.match(json.message, /spec.limits\[0\].min\[cpu\]: Invalid value: "2": min value 2 is greater than max value 1/);
  t.match(json.message, /spec.limits\[1\].default: Forbidden: may not be specified when `type` is 'Pod'/);
  t.match(
    json.message,
    /spec.limits\[2\].type: Invalid value: "Thing": must be a standard limit type or fully qualified/,
  );
});

t.test('without its LimitRange the namespace has no limits', async (t) => {
  await namespace('d', { type: 'Pod', max: { memory: '1Mi' } });
  t.equal((await pod('d', 'x', {})).status, 403);
  await server.call('DELETE', '/api/v1/namespaces/d/limitranges/l');
  t.equal((await pod('d', 'x', {})).status, 201);
});

t.test('bounds of claims, also when a claim grows', async (t) => {
  await namespace('claims', { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
  const path = '/api/v1/namespaces/claims/persistentvolumeclaims';
  const claim = (storage: string) => ({
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const cases: readonly (readonly [storage: string, why: string])[] = [
    ['500Mi', 'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi'],
    ['3Gi', 'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi'],
  ];
  for (const [storage, why] of cases) {
    const { status, json } = await server.call('POST', path, { body: claim(storage) });
    t.equal(status, 403);
    t.equal(json.message, `persistentvolumeclaims "c" is forbidden: ${why}`);
  }
  t.equal((await server.call('POST', path, { body: claim('2Gi') })).status, 201);
  const merge = 'application/merge-patch+json';
  await server.call('PATCH', `${path}/c`, {
    type: merge,
    body: { spec: { volumeName: 'v', storageClassName: 'fast' } },
  });
  await server.call('PATCH', `${path}/c/status`, { type: merge, body: { status: { phase: 'Bound' } } });
  const grown = await server.call('PATCH', `${path}/c`, {
    type: 'application/merge-patch+json',
    body: { spec: { resources: { requests: { storage: '5Gi' } } } },
  });
  t.equal(grown.status, 403);
  t.match(grown.json.message, /maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi/);
});
