// Storage classes in writes of claims: the default class of a new claim, and whether a claim may grow. Over HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const classes = '/apis/storage.k8s.io/v1/storageclasses';
const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
const merge = 'application/merge-patch+json';
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

t.test('a new claim gets the default class, once there is one', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const make = async (name: string, parts: object = {}, annotations?: object) => {
    const body = { metadata: { name, annotations }, spec: { ...spec, ...parts } };
    return (await server.call('POST', claims, { body })).json.spec.storageClassName;
  };
  // The class that every cluster starts with.
  t.equal((await server.call('DELETE', `${classes}/standard`)).status, 200);
  t.equal(await make('early'), undefined, 'no default yet');
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  for (const [name, marks] of [
    ['standard', annotations],
    ['other', {}],
  ]) {
    const created = await server.call('POST', classes, {
      body: { metadata: { name, annotations: marks }, provisioner: 'example.com/p' },
    });
    t.equal(created.status, 201);
  }
  t.equal(await make('plain'), 'standard');
  t.equal(await make('chosen', { storageClassName: 'other' }), 'other');
  t.equal(await make('none', { storageClassName: '' }), '', 'an empty name is a choice');
  t.equal(await make('annotated', {}, { 'volume.beta.kubernetes.io/storage-class': 'other' }), undefined);
});

t.test('a claim grows only when it is bound and its class allows that', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  for (const [name, allowVolumeExpansion] of [
    ['grows', true],
    ['fixed', false],
  ]) {
    await server.call('POST', classes, { body: { metadata: { name }, provisioner: 'p', allowVolumeExpansion } });
  }
  const only =
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
  const cases = [
    { name: 'bound', storageClassName: 'grows', phase: 'Bound', status: 200 },
    { name: 'forbids', storageClassName: 'fixed', phase: 'Bound', status: 403, message: only },
    { name: 'unknown', storageClassName: 'gone', phase: 'Bound', status: 403, message: only },
    { name: 'without', storageClassName: '', phase: 'Bound', status: 403, message: only },
    // The kind's own rule comes first: the spec of an unbound claim is fixed.
    { name: 'pending', storageClassName: 'grows', phase: 'Pending', status: 422 },
  ];
  for (const { name, storageClassName, phase, status, message } of cases) {
    await server.call('POST', claims, { body: { metadata: { name }, spec: { ...spec, storageClassName } } });
    await server.call('PATCH', `${claims}/${name}/status`, { type: merge, body: { status: { phase } } });
    const body = { spec: { resources: { requests: { storage: '2Gi' } } } };
    const answer = await server.call('PATCH', `${claims}/${name}`, { type: merge, body });
    t.equal(answer.status, status, name);
    if (message) t.equal(answer.json.message, `persistentvolumeclaims "${name}" is forbidden: ${message}`, name);
  }
});
