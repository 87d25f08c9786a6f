// The store connects to a real etcd over TLS, with the certificates that hack/up and k8ts init create.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ensureEtcdPki, etcdFiles } from '../../controlplane/pki/etcd';
import { EtcdConnection, type EtcdTls } from '../../controlplane/store/etcd/connection';
import { startEtcd } from '../lib/etcd';

t.setTimeout(120_000);

t.test('both sides need a certificate, and that of etcd must have the address', async (t) => {
  // Not t.testdir(): etcd takes that one.
  const home = await mkdtemp(join(tmpdir(), 'k8ts-etcd-tls-'));
  t.teardown(() => rm(home, { recursive: true }));
  const dir = join(home, 'pki');
  await ensureEtcdPki(dir, { name: 'test', addresses: [] });
  const files = etcdFiles(dir);
  const ca = await readFile(files.ca);
  const tls: EtcdTls = { ca, cert: await readFile(files.clientCert), key: await readFile(files.clientKey) };
  const options = [
    `--trusted-ca-file=${files.ca}`,
    `--cert-file=${files.serverCert}`,
    `--key-file=${files.serverKey}`,
    '--client-cert-auth',
  ];
  const { endpoint } = await startEtcd(t, options, tls);
  const read = async (host: string, secure: EtcdTls) => {
    const limits = { readMs: 2_000, outageMs: 2_000 };
    const etcd = await EtcdConnection.open({ endpoints: [{ ...endpoint, host }], tls: secure, limits });
    try {
      return await etcd.read('Range', { key: Buffer.from('any') });
    } finally {
      etcd.close();
    }
  };
  for (const host of ['127.0.0.1', 'localhost']) t.hasProp(await read(host, tls), 'header', host);
  await t.rejects(read('127.0.0.2', tls), { message: /127\.0\.0\.2 is not in the cert/ });
  await t.rejects(
    read('127.0.0.1', { ca }),
    { code: 'Unavailable', message: /--etcd-certfile/ },
    'no client certificate',
  );
  const other = join(home, 'other');
  await ensureEtcdPki(other, { name: 'test', addresses: [] });
  await t.rejects(read('127.0.0.1', { ...tls, ca: await readFile(etcdFiles(other).ca) }), { code: 'Unavailable' });
});
