// Each write sends the claims of its object to the store. Objects stored before claims existed get theirs at the start.
import t, { type Test } from 'tap';
import { type Node, nodes, type Service, services } from '../../api/index';
import { registry } from '../../api/registry';
import { type Fields, type Logger, silentLogger } from '../../base/logger';
import { openStore } from '../../store/open';
import type { Store } from '../../store/store';
import { openCache } from './open';

const service = (name: string, clusterIP: string, nodePort?: number): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, ...(nodePort ? { nodePort } : {}) }] },
});
const node = (name: string, address: string): Node => ({
  metadata: { name },
  status: { addresses: [{ type: 'InternalIP', address }] },
});
const claiming = registry.filter(({ options }) => options.claims);
const keyOf = (name: string) => `${services.prefix}default/${name}`;
const held = async (store: Store) =>
  (await store.claims()).map(({ claim, owner }) => `${claim} ${owner.slice(owner.lastIndexOf('/') + 1)}`);

async function setUp(t: Test) {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const warnings: unknown[] = [];
  const log: Logger = {
    ...silentLogger,
    warn: (message: string, fields?: Fields) => warnings.push([message, fields]),
  };
  const open = async () => {
    const cache = await openCache(store, claiming, { log });
    t.teardown(() => cache.close());
    return cache;
  };
  return { store, open, warnings };
}

t.test('every write of every writer sends the claims of its object', async (t) => {
  const { store, open } = await setUp(t);
  const one = (await open()).kind(services);
  const two = (await open()).kind(services);
  await one.create(service('a', '10.96.0.7', 30_080));
  await t.rejects(two.create(service('b', '10.96.0.8', 30_080)), {
    code: 'AlreadyClaimed',
    claim: 'nodeport/30080',
    owner: keyOf('a'),
  });
  t.equal(two.get('default/b'), undefined);
  await two.create(service('b', '10.96.0.8'));
  await t.rejects(
    one.modify('default/a', () => service('a', '10.96.0.8', 30_080)),
    { code: 'AlreadyClaimed' },
    'the error is not a conflict, because a retry cannot succeed',
  );
  await two.modify('default/a', () => service('a', '10.96.0.9', 30_081));
  t.same(await held(store), ['clusterip/10.96.0.8 b', 'clusterip/10.96.0.9 a', 'nodeport/30081 a']);
  await one.delete('default/b');
  await two.delete('default/a');
  t.same(await held(store), []);
});

t.test('a start writes missing claims of older objects once, and logs objects with the same claim', async (t) => {
  const { store, open, warnings } = await setUp(t);
  const put = (key: string, object: object) => store.create(key, Buffer.from(JSON.stringify(object)));
  await put(keyOf('a'), service('a', '10.96.0.7', 30_080));
  await put(keyOf('b'), service('b', '10.96.0.8'));
  await put(`${nodes.prefix}n1`, node('n1', '10.0.0.1'));
  await put(`${nodes.prefix}n2`, node('n2', '10.0.0.1'));
  const revision = await store.revision();
  const adopted = [
    'clusterip/10.96.0.7 a',
    'clusterip/10.96.0.8 b',
    'nodeaddress/10.0.0.1 n1',
    'nodeaddress/10.0.0.1 n2',
    'nodeport/30080 a',
  ];
  const cache = await open();
  t.same(await held(store), adopted);
  t.equal(await store.revision(), revision, 'no object was written');
  const objects = `${nodes.prefix}n1, ${nodes.prefix}n2`;
  t.same(warnings, [
    ['several objects have the same address, port or range; all keep it', { claim: 'nodeaddress/10.0.0.1', objects }],
  ]);
  await open();
  t.same(await held(store), adopted, 'a second start changes nothing');
  await t.rejects(cache.kind(services).create(service('c', '10.96.0.8')), {
    code: 'AlreadyClaimed',
    owner: keyOf('b'),
  });
  await cache.kind(nodes).modify('n2', () => ({ ...node('n2', '10.0.0.1'), spec: { unschedulable: true } }));
  await cache.kind(nodes).modify('n1', () => node('n1', '10.0.0.2'));
  t.same(
    (await held(store)).slice(2, 4),
    ['nodeaddress/10.0.0.1 n2', 'nodeaddress/10.0.0.2 n1'],
    'one of the two nodes got another address',
  );
});

t.test('two servers that start at the same time adopt the same claims', async (t) => {
  const { store, open } = await setUp(t);
  for (let i = 0; i < 600; i++) {
    const address = `10.96.${i >> 8}.${i & 255}`;
    await store.create(keyOf(`s${i}`), Buffer.from(JSON.stringify(service(`s${i}`, address, 30_000 + i))));
  }
  const [one] = await Promise.all([open(), open()]);
  t.equal((await store.claims()).length, 1_200);
  await Promise.all(Array.from({ length: 600 }, (_, i) => one.kind(services).delete(`default/s${i}`)));
  t.same(await store.claims(), []);
});
