import { X509Certificate } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { dayMs } from './certificate';
import { ensureEtcdPki, etcdFiles, renewEtcdPki } from './etcd';
import { ensurePki } from './pki';
import { readShared, writeShared } from './shared';

const names = { advertiseAddress: '192.168.57.10', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
const member = { name: 'control', addresses: ['192.168.57.10'] };
const read = async (path: string) => new X509Certificate(await readFile(path));

t.test("etcd's files have kubeadm's names, are private, and are written once", async (t) => {
  const dir = t.testdir();
  t.strictSame(await ensureEtcdPki(dir, member), [
    'etcd/ca: it was missing',
    'etcd/server: it was missing',
    'etcd/peer: it was missing',
    'apiserver-etcd-client: it was missing',
  ]);
  for (const path of Object.values(etcdFiles(dir))) t.equal((await stat(path)).mode & 0o777, 0o600, path);
  t.strictSame(await ensureEtcdPki(dir, member), []);
  const [server, client] = [await read(etcdFiles(dir).serverCert), await read(etcdFiles(dir).clientCert)];
  for (const ip of ['127.0.0.1', '192.168.57.10', '::1']) t.ok(server.checkIP(ip), ip);
  t.ok(server.checkHost('control'));
  const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
  t.strictSame(server.keyUsage, [serverAuth, clientAuth]);
  t.strictSame((await read(etcdFiles(dir).peerCert)).keyUsage, [serverAuth, clientAuth]);
  t.strictSame(client.keyUsage, [clientAuth]);
});

t.test("the cluster's authority does not sign for etcd", async (t) => {
  const dir = t.testdir();
  await ensurePki(dir, names);
  await ensureEtcdPki(dir, member);
  const [cluster, etcd] = [await read(join(dir, 'ca.crt')), await read(etcdFiles(dir).ca)];
  const client = await read(etcdFiles(dir).clientCert);
  t.ok(client.verify(etcd.publicKey));
  t.notOk(client.verify(cluster.publicKey));
});

t.test('certificates are renewed where the authority is, and nowhere else', async (t) => {
  const [dir, other] = [join(t.testdir(), 'a'), join(t.testdir(), 'b')];
  t.strictSame(await renewEtcdPki(dir), [], 'a cluster without etcd');
  const nowMs = Date.now() + 300 * dayMs;
  await ensureEtcdPki(dir, member);
  t.strictSame(await renewEtcdPki(dir), []);
  t.match(await renewEtcdPki(dir, { nowMs }), [
    /^etcd\/server: it ends on /,
    /^etcd\/peer: it ends on /,
    /^apiserver-etcd-client: it ends on /,
  ]);
  const server = await read(etcdFiles(dir).serverCert);
  t.ok(server.checkHost('control') && server.checkIP('192.168.57.10'), 'with all names');
  t.strictSame(await ensureEtcdPki(dir, member, { nowMs }), []);
  await ensureEtcdPki(other, member);
  await rm(join(other, 'etcd/ca.key'));
  t.strictSame(await renewEtcdPki(other, { nowMs }), []);
});

t.test('a second control machine shares the authorities, and makes its own certificates with them', async (t) => {
  const [first, second] = [join(t.testdir(), 'a'), join(t.testdir(), 'b')];
  await t.rejects(readShared(first), { code: 'BadRequest' });
  await ensurePki(first, names);
  await ensureEtcdPki(first, member);
  const shared = await readShared(first);
  t.equal((await writeShared(second, shared)).length, 8);
  t.strictSame(await writeShared(second, shared), []);
  t.strictSame(await ensurePki(second, { ...names, advertiseAddress: '192.168.57.11' }), [
    'apiserver: it was missing',
    'apiserver-kubelet-client: it was missing',
    'front-proxy-client: it was missing',
  ]);
  t.strictSame(await ensureEtcdPki(second, { name: 'control-2', addresses: ['192.168.57.11'] }), [
    'etcd/server: it was missing',
    'etcd/peer: it was missing',
    'apiserver-etcd-client: it was missing',
  ]);
  t.ok((await read(etcdFiles(second).peerCert)).verify((await read(etcdFiles(first).ca)).publicKey));
});
