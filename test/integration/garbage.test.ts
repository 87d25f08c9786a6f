// The garbage collector on a real API server in this process: circles of owner references in every way of deletion.
import t, { type Test } from 'tap';
import {
  configMaps,
  type KubeObject,
  namespaces,
  type OwnerReference,
  type Pod,
  pods,
  type Secret,
  secrets,
  serviceAccounts,
} from '../../controlplane/api/index';
import type { Kind } from '../../controlplane/api/kind';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(120_000);
const namespace = 'default';

async function startCluster(test: Test): Promise<Client> {
  return (await openControlPlane(test)).client;
}

interface Member {
  readonly kind: Kind;
  readonly name: string;
  readonly finalizers?: readonly string[];
}

const references = (owners: readonly { kind: Kind; object: KubeObject }[], block = true): OwnerReference[] =>
  owners.map(({ kind, object }) => ({
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    name: object.metadata?.name ?? '',
    uid: object.metadata?.uid ?? '',
    blockOwnerDeletion: block,
  }));

function render({ kind, name, finalizers }: Member): KubeObject {
  const metadata = { name, namespace, ...(finalizers ? { finalizers: [...finalizers] } : {}) };
  const spec = { containers: [{ name: 'c', image: 'registry.local/app:1' }] };
  return kind === (pods as Kind) ? ({ metadata, spec } as Pod) : { metadata };
}

/** Each member is owned by the next one, the last one by the first. */
async function makeCircle(client: Client, members: readonly Member[]): Promise<void> {
  const made: { kind: Kind; object: KubeObject }[] = [];
  for (const member of members) {
    made.push({ kind: member.kind, object: await client.create(member.kind, render(member)) });
  }
  for (const [i, { kind, object }] of made.entries()) {
    const ownerReferences = references([made[(i + 1) % made.length]!]);
    await client.patch(kind, `${namespace}/${object.metadata?.name}`, 'merge', { metadata: { ownerReferences } });
  }
}

const named = (prefix: string) => (object: KubeObject) => object.metadata?.name?.startsWith(prefix) === true;
async function allGone(client: Client, prefix: string, ...kinds: readonly Kind[]): Promise<void> {
  for (const kind of kinds) await eventually(client, kind, (all) => !all.some(named(prefix)), { namespace });
}
const circle = (prefix: string, size: number, ...kinds: readonly Kind[]): Member[] =>
  Array.from({ length: size }, (_, i) => ({ kind: kinds[i % kinds.length]!, name: `${prefix}-${i}` }));

t.test('one foreground deletion removes a circle', async (t) => {
  const client = await startCluster(t);
  const cases: { name: string; members: Member[] }[] = [
    { name: 'its own owner', members: circle('self', 1, configMaps) },
    { name: 'two', members: circle('two', 2, configMaps) },
    { name: 'three pods', members: circle('three', 3, pods) },
    { name: 'fifty', members: circle('fifty', 50, configMaps) },
    { name: 'across kinds', members: circle('mixed', 7, configMaps, secrets, serviceAccounts, pods) },
  ];
  for (const { name, members } of cases) {
    await makeCircle(client, members);
    const first = members[0]!;
    await client.delete(first.kind, `${namespace}/${first.name}`, { propagationPolicy: 'Foreground' });
    const prefix = `${first.name.split('-')[0]}-`;
    await allGone(client, prefix, ...new Set(members.map(({ kind }) => kind)));
    t.pass(name);
  }
});

t.test('a circle whose members are all deleted in the foreground is removed', async (t) => {
  const client = await startCluster(t);
  const members = circle('all', 5, configMaps, secrets);
  await makeCircle(client, members);
  await Promise.all(
    members.map(({ kind, name }) =>
      client.delete(kind, `${namespace}/${name}`, { propagationPolicy: 'Foreground' }).catch(() => {}),
    ),
  );
  await allGone(client, 'all-', configMaps, secrets);
});

t.test('a circle with a foreign finalizer waits only for the finalizer', async (t) => {
  const client = await startCluster(t);
  const members = circle('held', 3, configMaps).map((member, i) =>
    i === 1 ? { ...member, finalizers: ['example.com/hold'] } : member,
  );
  await makeCircle(client, members);
  await client.delete(configMaps, `${namespace}/held-0`, { propagationPolicy: 'Foreground' });
  const isHeld = (all: readonly KubeObject[]) => {
    const left = all.filter(named('held-'));
    return left.length === 1 && left[0]?.metadata?.finalizers?.join() === 'example.com/hold';
  };
  await eventually(client, configMaps, isHeld, { namespace });
  await client.patch(configMaps, `${namespace}/held-1`, 'merge', { metadata: { finalizers: null } });
  await allGone(client, 'held-', configMaps);
});

t.test('a circle and a tree below it: the tree is removed first', async (t) => {
  const client = await startCluster(t);
  await makeCircle(client, circle('ring', 2, configMaps));
  const root = await client.get(configMaps, `${namespace}/ring-0`);
  const ownerReferences = references([{ kind: configMaps as Kind, object: root }]);
  const finalizers = ['example.com/hold'];
  const leaf = { metadata: { name: 'ring-leaf', namespace, ownerReferences, finalizers } } as Secret;
  await client.create(secrets, leaf);
  await client.delete(configMaps, `${namespace}/ring-0`, { propagationPolicy: 'Foreground' });
  await eventually(client, secrets, (all) => all.some((each) => each.metadata?.deletionTimestamp !== undefined), {
    namespace,
  });
  t.ok((await client.get(configMaps, `${namespace}/ring-0`)).metadata?.deletionTimestamp, 'the root waits');
  await client.patch(secrets, `${namespace}/ring-leaf`, 'merge', { metadata: { finalizers: null } });
  await allGone(client, 'ring-', configMaps, secrets);
});

t.test('orphaning one member keeps the others, without their reference to it', async (t) => {
  const client = await startCluster(t);
  for (const size of [1, 2, 3]) {
    const prefix = `orphan${size}`;
    await makeCircle(client, circle(prefix, size, configMaps));
    await client.delete(configMaps, `${namespace}/${prefix}-0`, { propagationPolicy: 'Orphan' });
    const isLeft = (all: readonly KubeObject[]) => {
      const left = all.filter(named(`${prefix}-`));
      const toTheFirst = left.flatMap(({ metadata }) => metadata?.ownerReferences ?? []);
      return left.length === size - 1 && !toTheFirst.some(({ name }) => name === `${prefix}-0`);
    };
    await eventually(client, configMaps, isLeft, { namespace });
    t.pass(`of ${size}`);
  }
});

t.test('a dependent that another owner keeps holds up no foreground deletion', async (t) => {
  const client = await startCluster(t);
  const make = async (name: string, owners: readonly KubeObject[] = []) => {
    const ownerReferences = references(owners.map((object) => ({ kind: configMaps as Kind, object })));
    return client.create(configMaps, { metadata: { name, namespace, ownerReferences } });
  };
  const leaving = await make('shared-leaving');
  const staying = await make('shared-staying');
  await make('shared-child', [leaving, staying]);
  await client.delete(configMaps, `${namespace}/shared-leaving`, { propagationPolicy: 'Foreground' });
  await eventually(client, configMaps, (all) => !all.some(named('shared-leaving')), { namespace });
  const child = await client.get(configMaps, `${namespace}/shared-child`);
  t.same(
    child.metadata?.ownerReferences?.map(({ name }) => name),
    ['shared-staying'],
  );
});

t.test('a dependent in another namespace holds up no owner', async (t) => {
  const client = await startCluster(t);
  await client.create(namespaces, { metadata: { name: 'elsewhere' } });
  const owner = await client.create(configMaps, { metadata: { name: 'mine', namespace } });
  const ownerReferences = references([{ kind: configMaps as Kind, object: owner }]);
  const finalizers = ['example.com/hold'];
  await client.create(configMaps, {
    metadata: { name: 'theirs', namespace: 'elsewhere', ownerReferences, finalizers },
  });
  await client.delete(configMaps, `${namespace}/mine`, { propagationPolicy: 'Foreground' });
  await eventually(client, configMaps, (all) => !all.some(named('mine')), { namespace });
  const theirs = await eventually(client, configMaps, (all) => all.some(named('theirs')), { namespace: 'elsewhere' });
  t.ok(theirs.some(named('theirs')), 'its own finalizer holds it');
});
