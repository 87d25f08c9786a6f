// Kinds that are added while the controllers run: the controllers delete their objects with their owners and with their namespace,
// like objects of built-in kinds.
import t, { type Test } from 'tap';
import { configMaps, type KubeObject, namespaces } from '../../controlplane/api/index';
import { defineKind, type Kind } from '../../controlplane/api/kind';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(120_000);

const widgets = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  schema: { definition: { type: 'object' } },
});

/** `create` creates one object in `namespace`; the object blocks the foreground deletion of its owner. */
async function open(test: Test) {
  const { client, server } = await openControlPlane(test);
  const create = async (kind: Kind, name: string, owner?: KubeObject, namespace = 'default'): Promise<KubeObject> => {
    const ownerReferences = owner && [
      {
        apiVersion: owner.apiVersion!,
        kind: owner.kind!,
        name: owner.metadata!.name!,
        uid: owner.metadata!.uid!,
        blockOwnerDeletion: true,
      },
    ];
    return client.create(kind, { metadata: { name, namespace, ...(ownerReferences ? { ownerReferences } : {}) } });
  };
  const gone = (kind: Kind, ...names: readonly string[]) =>
    eventually(client, kind, (all) => !all.some(({ metadata }) => names.includes(metadata?.name ?? '')));
  return { client, kinds: server.kinds, create, gone };
}

t.test('objects of a kind that was added are garbage collected', async (t) => {
  const { client, kinds, create, gone } = await open(t);
  await kinds.add(widgets);

  const owner = await create(widgets, 'background');
  await create(widgets, 'dependent', owner);
  await create(configMaps, 'dependent', owner);
  await client.delete(widgets, 'default/background');
  await gone(widgets, 'background', 'dependent');
  await gone(configMaps, 'dependent');

  const configMap = await create(configMaps, 'owner');
  await create(widgets, 'of-configmap', configMap);
  await client.delete(configMaps, 'default/owner');
  await gone(widgets, 'of-configmap');

  const waiting = await create(widgets, 'foreground');
  const held = await create(configMaps, 'held', waiting);
  await client.patch(configMaps, 'default/held', 'merge', { metadata: { finalizers: ['example.com/hold'] } });
  await client.delete(widgets, 'default/foreground', { propagationPolicy: 'Foreground' });
  await eventually(client, configMaps, (all) => all.some(({ metadata }) => metadata?.deletionTimestamp !== undefined));
  const found = await client.get(widgets, 'default/foreground');
  t.same(found.metadata?.finalizers, ['foregroundDeletion'], 'waits for its dependent');
  await client.patch(configMaps, `default/${held.metadata!.name}`, 'merge', { metadata: { finalizers: null } });
  await gone(widgets, 'foreground');

  const orphaning = await create(widgets, 'orphaning');
  await create(configMaps, 'orphan', orphaning);
  await client.delete(widgets, 'default/orphaning', { propagationPolicy: 'Orphan' });
  await gone(widgets, 'orphaning');
  t.notOk((await client.get(configMaps, 'default/orphan')).metadata?.ownerReferences);
});

t.test('references to a kind are checked only while it is served', async (t) => {
  const { client, kinds, create, gone } = await open(t);
  await kinds.add(widgets);
  const owner = await create(widgets, 'owner');
  await kinds.remove(widgets);
  await t.rejects(client.get(widgets, 'default/owner'), { code: 'NotFound' });
  await create(configMaps, 'present', owner);
  await create(configMaps, 'absent', { ...owner, metadata: { ...owner.metadata, uid: 'another' } });
  // The collector removes of-last after it has checked the objects above.
  const last = await create(configMaps, 'last');
  await create(configMaps, 'of-last', last);
  await client.delete(configMaps, 'default/last');
  await gone(configMaps, 'of-last');
  await client.get(configMaps, 'default/absent');

  await kinds.add(widgets);
  await gone(configMaps, 'absent');
  t.ok(await client.get(configMaps, 'default/present'), 'its owner exists again with the kind');
  await client.delete(widgets, 'default/owner');
  await gone(configMaps, 'present');
});

t.test('an owner is found by a reference to any served version', async (t) => {
  const { client, kinds, create, gone } = await open(t);
  const beta = defineKind({
    ...widgets.options,
    version: 'v1beta1',
    storage: { kind: widgets, toStored: (object) => object, fromStored: (object) => object },
  });
  await kinds.add(widgets);
  const early = { apiVersion: beta.apiVersion, kind: 'Widget', metadata: { name: 'none', uid: 'none' } };
  await create(configMaps, 'early', early);
  // The collector removes of-none after it has checked early.
  await create(configMaps, 'of-none', { ...early, apiVersion: widgets.apiVersion });
  await gone(configMaps, 'of-none');
  t.ok(await client.get(configMaps, 'default/early'), 'that version is not served yet');
  await kinds.add(beta);
  await gone(configMaps, 'early');
  const owner = await create(beta, 'owner');
  t.equal(owner.apiVersion, 'example.com/v1beta1');
  await create(configMaps, 'dependent', owner);
  await create(configMaps, 'of-another', { ...owner, metadata: { ...owner.metadata, uid: 'another' } });
  await gone(configMaps, 'of-another');
  t.ok(await client.get(configMaps, 'default/dependent'));
  await kinds.remove(widgets);
  await client.delete(beta, 'default/owner');
  await gone(configMaps, 'dependent');
});

t.test('objects of a kind that was added are removed with their namespace', async (t) => {
  const { client, kinds, create } = await open(t);
  await kinds.add(widgets);
  await client.create(namespaces, { metadata: { name: 'a' } });
  await create(widgets, 'w', undefined, 'a');
  await create(widgets, 'elsewhere');
  await client.delete(namespaces, 'a');
  await eventually(client, namespaces, (all) => !all.some(({ metadata }) => metadata?.name === 'a'));
  const { items } = await client.list(widgets);
  t.same(
    items.map(({ metadata }) => metadata?.name),
    ['elsewhere'],
  );

  await kinds.remove(widgets);
  await client.create(namespaces, { metadata: { name: 'b' } });
  await client.delete(namespaces, 'b');
  await eventually(client, namespaces, (all) => !all.some(({ metadata }) => metadata?.name === 'b'));
});
