// Encrypted values: which provider writes and reads them, that a store behaves as before, and that its files contain no plain text.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { storeContract } from '../../../test/contract/store';
import { openStore } from '../open';
import { rewriteValues } from '../sqlite/rewrite';
import type { Store } from '../store';
import { EncryptedStore } from './encrypted-store';
import { aesCbc, aesGcm, identity, type Provider } from './providers';
import { EncryptionRules } from './rules';

const key = (fill: number, bytes = 32) => Buffer.alloc(bytes, fill);
const gcm1 = aesGcm('key1', key(1));
const gcm2 = aesGcm('key2', key(2));
const rulesOf = (...providers: Provider[]) => new EncryptionRules([{ resources: ['secrets'], providers }]);
const place = '/registry/core/secrets/default/a';
const text = (value: string) => Buffer.from(value);
const secretText = 'correct horse battery staple';

// Every value is encrypted: the contract's keys have no group and no resource.
const all = new EncryptionRules([{ resources: ['*.*'], providers: [gcm1] }]);
storeContract(
  t,
  async (t) => new EncryptedStore(await openStore({ kind: 'sqlite', path: join(t.testdir(), 'store.db') }), all),
);

t.test('providers write the form of kube-apiserver and read it again', async (t) => {
  for (const bytes of [16, 24, 32]) {
    for (const [name, provider] of [
      ['aesgcm', aesGcm('k', key(3, bytes))],
      ['aescbc', aesCbc('k', key(3, bytes))],
    ] as const) {
      for (const value of ['', 'x', '0123456789abcdef', '{"kind":"Secret"}', 'é'.repeat(5_000)]) {
        const stored = provider.encrypt(text(value), place);
        const what = `${name} ${bytes} ${value.length}`;
        t.ok(stored.toString('latin1').startsWith(`k8s:enc:${name}:v1:k:`), what);
        const rest = stored.subarray(provider.prefix.length);
        t.equal(provider.decrypt(rest, place).toString(), value, what);
        t.notSame(provider.encrypt(text(value), place), stored, 'the same value never has the same bytes');
      }
    }
  }
  const stored = gcm1.encrypt(text('v'), place).subarray(gcm1.prefix.length);
  t.throws(() => gcm1.decrypt(stored, '/registry/core/secrets/default/b'), 'a value cannot be moved to another place');
  const changed = Buffer.from(stored);
  changed[changed.length - 20]! ^= 1;
  t.throws(() => gcm1.decrypt(changed, place), 'nor changed');
});

t.test('the first provider writes, all of them read', async (t) => {
  const before = rulesOf(gcm1).encrypt(place, text('v'));
  t.same(rulesOf(gcm2, gcm1).decrypt(place, before), { value: text('v'), writer: gcm1.prefix });
  t.same(rulesOf(gcm2, identity).decrypt(place, text('{"a":1}')), { value: text('{"a":1}'), writer: '' });
  const refused: [EncryptionRules, Buffer, RegExp][] = [
    [
      rulesOf(gcm2),
      before,
      /cannot decrypt \/registry\/core\/secrets\/default\/a: no key is configured for values that begin with "k8s:enc:aesgcm:v1:key1:"/,
    ],
    [
      rulesOf(aesGcm('key1', key(9))),
      before,
      /the key of "k8s:enc:aesgcm:v1:key1:" is not the one that encrypted it, or it is damaged/,
    ],
    [rulesOf(gcm1), text('{"a":1}'), /it is not encrypted, and the resource has no provider identity/],
    [rulesOf(aesCbc('key1', key(1))), text('k8s:enc:aescbc:v1:key1:short'), /or it is damaged/],
  ];
  for (const [rules, stored, message] of refused) {
    t.throws(() => rules.decrypt(place, stored), { code: 'Unsupported', message }, String(message));
  }
});

t.test('an exact resource comes before its group, and a group before all', async (t) => {
  const named = (name: string) => [aesGcm(name, key(1))];
  const rules = new EncryptionRules([
    { resources: ['secrets', 'deployments.apps'], providers: named('exact') },
    { resources: ['*.apps'], providers: named('apps') },
    { resources: ['*.'], providers: named('core') },
    { resources: ['*.*'], providers: named('all') },
  ]);
  const cases: [string, string][] = [
    ['/registry/core/secrets/default/a', 'exact'],
    ['/registry/apps/deployments/default/a', 'exact'],
    ['/registry/apps/replicasets/default/a', 'apps'],
    ['/registry/core/configmaps/default/a', 'core'],
    ['/registry/batch/jobs/default/a', 'all'],
  ];
  for (const [where, name] of cases) t.equal(rules.writer(where), `k8s:enc:aesgcm:v1:${name}:`, where);
  t.equal(rulesOf(gcm1).writer('/registry/core/configmaps/default/a'), '', 'other resources stay plain');
});

t.test('a value of another writer is stale until it is written again', async (t) => {
  const inner = await openStore({ kind: 'memory' });
  t.teardown(() => inner.close());
  await inner.create(place, text('{"plain":1}'));
  const store = new EncryptedStore(inner, rulesOf(gcm1, identity));
  t.same((await store.range('/')).items[0]?.value, text('{"plain":1}'));
  t.equal(store.isStale(place), true);
  const abort = new AbortController();
  const events = store.watch('/', 1, abort.signal)[Symbol.asyncIterator]();
  await store.update(place, text('{"plain":1}'), 1);
  const { value: batch } = await events.next();
  t.same(batch.events[0].value, text('{"plain":1}'));
  t.same(batch.events[0].previous, text('{"plain":1}'));
  t.equal(store.isStale(place), false);
  await store.use(rulesOf(gcm2, gcm1));
  t.equal(store.isStale(place), true, 'another key');
  await t.rejects(store.use(rulesOf(gcm2)), { message: /cannot decrypt/ }, 'a key that is still needed');
  t.equal((await store.get(place))?.value.toString(), '{"plain":1}', 'the keys from before stay');
  abort.abort();
});

/** Everything in the files of a store. */
async function disk(dir: string): Promise<string> {
  const files = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), 'latin1')));
  return files.join('');
}

t.test('no plain text is in the files, in no revision; a rewrite removes what was there before', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'state.db');
  const write = async (store: Store, marker: string) => {
    const revision = await store.create(`${place}${marker}`, text(`{"data":"${secretText} ${marker} first"}`));
    await store.update(`${place}${marker}`, text(`{"data":"${secretText} ${marker} second"}`), revision);
  };
  const plain = await openStore({ kind: 'sqlite', path });
  await write(plain, 'old');
  await plain.close();
  t.match(await disk(dir), /battery staple old first/, 'the test can see plain text');
  const rules = rulesOf(gcm1, identity);
  const open = async () => new EncryptedStore(await openStore({ kind: 'sqlite', path, erases: true }), rules);
  const store = await open();
  await write(store, 'new');
  t.notMatch(await disk(dir), /battery staple new/, 'while the store is open, its log too');
  await store.close();
  t.notMatch(await disk(dir), /battery staple new/);
  t.match(await disk(dir), /battery staple old/);
  const change = (where: string, stored: Buffer) => {
    const { value, writer } = rules.decrypt(where, stored);
    return writer === rules.writer(where) ? stored : rules.encrypt(where, value);
  };
  t.equal(rewriteValues(path, change), 2, 'both revisions of the old value');
  t.notMatch(await disk(dir), /battery staple/);
  t.equal(rewriteValues(path, change), 0, 'a second run changes nothing');
  const again = await open();
  t.same(
    (await again.range('/')).items.map(({ value, modRevision }) => `${modRevision} ${value}`),
    [`4 {"data":"${secretText} new second"}`, `2 {"data":"${secretText} old second"}`],
  );
  t.throws(() => rewriteValues(path, change), { code: 'Unavailable' }, 'not while a server has it open');
  await again.close();
});
