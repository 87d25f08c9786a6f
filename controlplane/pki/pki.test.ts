import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { dayMs, whyReplace } from './certificate';
import { issueCertificate } from './issue';
import { ensureNodePki, ensurePki, identities, readAuthority } from './pki';

const names = { advertiseAddress: '192.168.57.10', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };

t.test('ensurePki writes all files, private, and nothing the second time', async (t) => {
  const dir = join(t.testdir(), 'pki');
  t.strictSame(await ensurePki(dir, names), [
    'ca: it was missing',
    'apiserver: it was missing',
    'apiserver-kubelet-client: it was missing',
    'front-proxy-ca: it was missing',
    'front-proxy-client: it was missing',
    'sa: it was missing',
  ]);
  t.equal((await stat(dir)).mode & 0o777, 0o700);
  for (const file of ['ca.key', 'ca.crt', 'apiserver.key', 'apiserver.crt', 'sa.key', 'sa.pub']) {
    t.equal((await stat(join(dir, file))).mode & 0o777, 0o600, `${file} is private`);
  }
  const before = await readFile(join(dir, 'apiserver.crt'), 'utf8');
  t.strictSame(await ensurePki(dir, names), []);
  t.equal(await readFile(join(dir, 'apiserver.crt'), 'utf8'), before);
});

t.test('the API server certificate has every name that clients use', async (t) => {
  const dir = t.testdir();
  await ensurePki(dir, { ...names, extraHosts: ['control'] });
  const cert = new X509Certificate(await readFile(join(dir, 'apiserver.crt')));
  for (const host of ['kubernetes', 'kubernetes.default.svc.cluster.local', 'localhost', 'control']) {
    t.ok(cert.checkHost(host), host);
  }
  for (const ip of ['10.96.0.1', '192.168.57.10', '127.0.0.1']) t.ok(cert.checkIP(ip), ip);
  t.notOk(cert.checkIP('192.168.57.11'));
});

t.test('which files are replaced and which are kept', async (t) => {
  const dir = t.testdir();
  const start = Date.now();
  await ensurePki(dir, names, { nowMs: start });
  const ca = await readFile(join(dir, 'ca.crt'), 'utf8');
  t.strictSame(await ensurePki(dir, names, { nowMs: start + 200 * dayMs }), [], 'most of the lifetime is left');
  t.match(await ensurePki(dir, names, { nowMs: start + 300 * dayMs }), [
    /^apiserver: it ends on /,
    /^apiserver-kubelet-client: it ends on /,
    /^front-proxy-client: it ends on /,
  ]);
  t.strictSame(await ensurePki(dir, { ...names, advertiseAddress: '192.168.58.10' }), [
    'apiserver: it does not cover 192.168.58.10',
  ]);
  await rm(join(dir, 'sa.pub'));
  const key = await readFile(join(dir, 'sa.key'), 'utf8');
  t.strictSame(await ensurePki(dir, { ...names, advertiseAddress: '192.168.58.10' }), ['sa: it was missing']);
  t.equal(await readFile(join(dir, 'sa.key'), 'utf8'), key, 'issued tokens stay valid');
  t.equal(await readFile(join(dir, 'ca.crt'), 'utf8'), ca, 'the CA is never replaced');
});

t.test('a renewed certificate keeps the names that it was created with', async (t) => {
  const dir = t.testdir();
  const start = Date.now();
  await ensurePki(dir, { ...names, extraHosts: ['control', '192.168.57.1', 'fd00::1'] }, { nowMs: start });
  // As the server renews it: it knows its own addresses alone.
  t.match(await ensurePki(dir, names, { nowMs: start + 300 * dayMs }), [/^apiserver: it ends on /, /./, /./]);
  const cert = new X509Certificate(await readFile(join(dir, 'apiserver.crt')));
  t.ok(cert.checkHost('control'));
  for (const ip of ['192.168.57.1', '192.168.57.10', 'fd00::1']) t.ok(cert.checkIP(ip), ip);
});

t.test('a certificate of another CA, or with another key, is replaced', async (t) => {
  const [dir, other] = [join(t.testdir(), 'a'), join(t.testdir(), 'b')];
  await ensurePki(dir, names);
  await ensurePki(other, names);
  const [mine, foreign] = [(await readAuthority(dir))!, (await readAuthority(other))!];
  const now = Date.now();
  const admin = await issueCertificate(foreign, identities.admin, now);
  t.equal(whyReplace(admin, identities.admin, mine.cert, now), 'it was signed by another authority');
  t.equal(whyReplace(admin, identities.admin, foreign.cert, now), undefined);
  t.equal(whyReplace(admin, identities.dns, foreign.cert, now), 'its subject has changed');
  const mixed = { cert: admin.cert, key: mine.key };
  t.match(whyReplace(mixed, identities.admin, foreign.cert, now), /not the key of the certificate/);
  t.rejects(issueCertificate({ cert: mine.cert, key: foreign.key }, identities.admin, now), { code: 'BadRequest' });
});

t.test('the service account key signs ES256 and sa.pub verifies it', async (t) => {
  const dir = t.testdir();
  await ensurePki(dir, names);
  const key = createPrivateKey(await readFile(join(dir, 'sa.key')));
  const pub = createPublicKey(await readFile(join(dir, 'sa.pub')));
  const data = Buffer.from('header.payload');
  const signature = sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  t.ok(verify('sha256', data, { key: pub, dsaEncoding: 'ieee-p1363' }, signature));
});

t.test('a real TLS handshake: the kubelet serves, and a client certificate gives user and groups', async (t) => {
  const [dir, node] = [join(t.testdir(), 'server'), join(t.testdir(), 'node')];
  await ensurePki(dir, names);
  const authority = (await readAuthority(dir))!;
  t.strictSame(await ensureNodePki(node, authority, { name: 'worker-1', ip: '127.0.0.1' }), [
    'ca: it was missing or different',
    'kubelet: it was missing',
  ]);
  t.strictSame(await ensureNodePki(node, authority, { name: 'worker-1', ip: '127.0.0.1' }), []);
  const server = createServer(
    {
      ca: authority.cert,
      cert: await readFile(join(node, 'kubelet.crt')),
      key: await readFile(join(node, 'kubelet.key')),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (req, res) => res.end(JSON.stringify((req.socket as TLSSocket).getPeerCertificate().subject)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const client = await issueCertificate(authority, identities.kubelet('worker-1'), Date.now());
  const text = await new Promise<string>((resolve, reject) => {
    const options = {
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      ca: authority.cert,
      agent: false,
    };
    request({ ...options, cert: client.cert, key: client.key }, (res) => {
      res.setEncoding('utf8').once('data', resolve);
    })
      .once('error', reject)
      .end();
  });
  t.strictSame(JSON.parse(text), { O: 'system:nodes', CN: 'system:node:worker-1' });
});
