// Finalizers of new volumes and claims, and the time of a volume's phase, over HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { FakeClock } from '../../../test/lib/fake-clock';

const volumes = '/api/v1/persistentvolumes';
const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
const volume = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } };
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

t.test('a new object has the finalizer once', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const places = [
    [volumes, { spec: volume }, 'kubernetes.io/pv-protection'],
    [claims, { spec: claim }, 'kubernetes.io/pvc-protection'],
    [
      '/apis/storage.k8s.io/v1/volumeattributesclasses',
      { driverName: 'd', parameters: { a: 'b' } },
      'kubernetes.io/vac-protection',
    ],
  ] as const;
  for (const [path, parts, finalizer] of places) {
    const cases: { name: string; finalizers?: string[]; want: string[] }[] = [
      { name: 'none', want: [finalizer] },
      { name: 'other', finalizers: ['a.b/c'], want: ['a.b/c', finalizer] },
      { name: 'same', finalizers: [finalizer, 'a.b/c'], want: [finalizer, 'a.b/c'] },
    ];
    for (const { name, finalizers, want } of cases) {
      const { status, json } = await server.call('POST', path, { body: { metadata: { name, finalizers }, ...parts } });
      t.equal(status, 201, `${path} ${name}`);
      t.same(json.metadata.finalizers, want, `${path} ${name}`);
    }
    const deleted = await server.call('DELETE', `${path}/none`);
    t.equal(deleted.status, 200);
    const { json } = await server.call('GET', `${path}/none`);
    t.ok(json.metadata.deletionTimestamp, 'it stays until the finalizer is removed');
    await server.call('PATCH', `${path}/none`, {
      type: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    t.equal((await server.call('GET', `${path}/none`)).status, 404);
  }
});

t.test('the time of a phase follows the phase', async (t) => {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const server = await startApiServer({ clock });
  t.teardown(() => server.close());
  const created = await server.call('POST', volumes, { body: { metadata: { name: 'v' }, spec: volume } });
  t.match(created.json.status, { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' });
  const write = async (status: object) => {
    clock.advance(10_000);
    const type = 'application/merge-patch+json';
    return (await server.call('PATCH', `${volumes}/v/status`, { type, body: { status } })).json.status;
  };
  t.equal((await write({ message: 'm' })).lastPhaseTransitionTime, '2026-01-01T00:00:00Z', 'the same phase');
  t.equal((await write({ phase: 'Available' })).lastPhaseTransitionTime, '2026-01-01T00:00:20Z', 'another phase');
  t.equal((await write({ lastPhaseTransitionTime: null })).lastPhaseTransitionTime, '2026-01-01T00:00:20Z', 'kept');
  const own = { phase: 'Bound', lastPhaseTransitionTime: '2025-01-01T00:00:00Z' };
  t.same(await write(own), { ...own, message: 'm' }, 'a client may set it');
});
