import t from 'tap';
import { MemoryClient } from '../../test/lib/memory-client';
import { KindCatalog } from '../api/catalog';
import { configMaps } from '../api/config-map';
import { type ReplicaSet, replicaSets } from '../api/replica-set';
import { isUnavailable } from '../base/errors';
import { ScaleClient } from './scale-client';

t.test('the replicas of an owner', async (t) => {
  const client = new MemoryClient();
  const scale = new ScaleClient(client, new KindCatalog([replicaSets, configMaps]));
  const set: ReplicaSet = { metadata: { name: 'web', namespace: 'a', uid: 'u' }, spec: { replicas: 3, selector: {} } };
  await client.create(replicaSets, set);
  await client.create(configMaps, { metadata: { name: 'web', namespace: 'a', uid: 'u' } });
  const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u' };
  const cases = [
    { name: 'an object with a scale', over: {}, want: 3 },
    { name: 'another object of that name', over: { uid: 'other' }, want: undefined },
    { name: 'no object of that name', over: { name: 'none' }, want: undefined },
  ];
  for (const { name, over, want } of cases) t.equal(await scale.replicasOf('a', { ...reference, ...over }), want, name);
  await t.rejects(scale.replicasOf('a', { ...reference, apiVersion: 'v1', kind: 'ConfigMap' }), {
    message: 'configmaps does not implement the scale subresource',
  });
  await t.rejects(scale.replicasOf('a', { ...reference, apiVersion: 'example.com/v1', kind: 'Foo' }), {
    message: 'no matches for kind "Foo" in version "example.com/v1"',
  });
  client.down = true;
  await t.rejects(
    scale.replicasOf('a', reference).catch((err: unknown) => t.ok(isUnavailable(err)) && Promise.reject(err)),
  );
});

t.test('the scale of a target, and a new size', async (t) => {
  const client = new MemoryClient();
  const scales = new ScaleClient(client, new KindCatalog([replicaSets, configMaps]));
  const { signal } = new AbortController();
  await client.create(replicaSets, { metadata: { name: 'web', namespace: 'a' }, spec: { replicas: 3, selector: {} } });
  const target = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' };
  const found = await scales.scaleOf('a', target, signal);
  t.match(found, { replicas: 3, selector: '', kind: { plural: 'replicasets' } });
  await scales.resize(found, 5, signal);
  t.equal((await client.get(replicaSets, 'a/web')).spec?.replicas, 5);
  t.ok(client.requests.includes('patch replicasets a/web scale'), client.requests.join());
  await t.rejects(scales.scaleOf('a', { ...target, name: 'none' }, signal), { code: 'NotFound' });
  await t.rejects(scales.scaleOf('a', { ...target, kind: 'Widget' }, signal), {
    message: 'no matches for kind "Widget" in group "apps"',
  });
  await t.rejects(scales.scaleOf('a', { apiVersion: 'v1', kind: 'ConfigMap', name: 'web' }, signal), {
    code: 'NotFound',
  });
});
