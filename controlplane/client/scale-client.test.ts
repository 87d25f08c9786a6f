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
    { name: 'another object of that name', over: { uid: 'other' }, want: 0 },
    { name: 'no object of that name', over: { name: 'none' }, want: 0 },
    { name: 'a kind without a scale', over: { apiVersion: 'v1', kind: 'ConfigMap' }, want: 0 },
    { name: 'a kind that is not served', over: { apiVersion: 'example.com/v1', kind: 'Widget' }, want: 0 },
  ];
  for (const { name, over, want } of cases) t.equal(await scale.replicasOf('a', { ...reference, ...over }), want, name);
  client.down = true;
  await t.rejects(
    scale.replicasOf('a', reference).catch((err: unknown) => t.ok(isUnavailable(err)) && Promise.reject(err)),
  );
});
