import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ensureEtcdPki, etcdFiles } from '../pki/etcd';
import { parseStore, readStoreSpec } from './store-options';

const file = { dataDir: '/d', erases: false };
type Given = Parameters<typeof readStoreSpec>[0];
const none: Given = {
  store: { kind: 'sqlite' },
  etcdCaFile: '',
  etcdCertFile: '',
  etcdKeyFile: '',
};

t.test('parseStore', async (t) => {
  t.same(parseStore('memory'), { kind: 'memory' });
  t.same(parseStore('etcd://10.0.0.1:2379,[fd00::1]:2380,etcd.local'), {
    kind: 'etcd',
    endpoints: [
      { host: '10.0.0.1', port: 2379 },
      { host: 'fd00::1', port: 2380 },
      { host: 'etcd.local', port: 2379 },
    ],
  });
  t.same(parseStore('etcd://a:1/'), { kind: 'etcd', endpoints: [{ host: 'a', port: 1 }] });
  for (const text of [
    '',
    'etcd',
    'https://a:1',
    'etcd://',
    'etcd://a:1,',
    'etcd://a:x',
    'etcd://a/b',
    'etcd://u@a:1',
  ]) {
    t.throws(() => parseStore(text), { code: 'BadRequest' }, text);
  }
});

t.test('readStoreSpec', async (t) => {
  t.same(await readStoreSpec(none, file), { kind: 'sqlite', path: '/d/state.db', erases: false });
  t.same(await readStoreSpec({ ...none, store: { kind: 'memory' } }, file), { kind: 'memory' });
  const local: Given = { ...none, store: parseStore('etcd://127.0.0.1:1,[::1]:2') };
  t.same(await readStoreSpec(local, file), {
    kind: 'etcd',
    endpoints: [
      { host: '127.0.0.1', port: 1 },
      { host: '::1', port: 2 },
    ],
  });
  const remote: Given = { ...none, store: parseStore('etcd://127.0.0.1:1,10.0.0.1:2') };
  await t.rejects(readStoreSpec(remote, file), { code: 'BadRequest', message: /10\.0\.0\.1.*--etcd-cafile/ });
  const dir = t.testdir({ text: 'no PEM' });
  await ensureEtcdPki(dir, { name: 'test', addresses: [] });
  const { ca: etcdCaFile, clientCert: etcdCertFile, clientKey: etcdKeyFile, serverKey } = etcdFiles(dir);
  const tls = { etcdCaFile, etcdCertFile, etcdKeyFile };
  const spec = await readStoreSpec({ ...remote, ...tls }, file);
  t.match(spec, {
    tls: { ca: readFileSync(etcdCaFile), cert: readFileSync(etcdCertFile), key: readFileSync(etcdKeyFile) },
  });
  t.strictSame(spec.kind === 'etcd' && (await spec.readTls?.()), spec.kind === 'etcd' && spec.tls, 'the same files');
  const { tls: alone } = (await readStoreSpec({ ...remote, etcdCaFile }, file)) as { tls?: object };
  t.strictSame(alone, { ca: readFileSync(etcdCaFile) });
  for (const [given, why] of [
    [{ etcdCaFile: join(dir, 'text') }, /--etcd-cafile: .*text holds no certificate in PEM form/],
    [{ etcdCertFile: etcdKeyFile }, /--etcd-certfile: .* holds no certificate/],
    [{ etcdKeyFile: etcdCertFile }, /--etcd-keyfile: .* holds no private key in PEM form/],
    [{ etcdKeyFile: serverKey }, /--etcd-keyfile: .* is not the key of the certificate in /],
  ] as const) {
    await t.rejects(readStoreSpec({ ...remote, ...tls, ...given }, file), { code: 'BadRequest', message: why });
  }
  await t.rejects(readStoreSpec({ ...remote, ...tls, etcdKeyFile: '' }, file), /belong together/);
  await t.rejects(readStoreSpec({ ...local, ...tls, etcdCaFile: '' }, file), /needs --etcd-cafile/);
  await t.rejects(readStoreSpec({ ...none, etcdCaFile }, file), /need --store etcd/);
  await t.rejects(readStoreSpec({ ...remote, etcdCaFile: join(dir, 'none') }, file), {
    message: /--etcd-cafile: cannot read/,
  });
});
