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
  const read = async (host: string, secure: EtcdTls, readTls?: () => Promise<EtcdTls>) => {
    const limits = { readMs: 2_000, outageMs: 2_000, readTlsMs: 0 };
    const endpoints = [{ ...endpoint, host }];
    const etcd = await EtcdConnection.open({ endpoints, tls: secure, limits, ...(readTls ? { readTls } : {}) });
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

  const { clientCert, clientKey, ca: otherCa } = etcdFiles(other);
  const strange: EtcdTls = { ca, cert: await readFile(clientCert), key: await readFile(clientKey) };
  await t.rejects(read('127.0.0.1', strange), { message: /refuses the client certificate/ });
  t.hasProp(await read('127.0.0.1', strange, async () => tls), 'header', 'a client certificate that was replaced');
  const distrusting = { ...tls, ca: await readFile(otherCa) };
  t.hasProp(await read('127.0.0.1', distrusting, async () => tls), 'header', 'an authority that was replaced');
  let reads = 0;
  const later = async () => {
    if (++reads < 3) throw new Error('half written');
    return tls;
  };
  t.hasProp(await read('127.0.0.1', strange, later), 'header', 'files that could not be read at first');
});
