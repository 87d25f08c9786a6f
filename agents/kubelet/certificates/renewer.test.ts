// Renewal against a real API server with its controllers in this process: a node's certificates are replaced before they end, and their
// users keep working.
import { X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { nodes } from '../../../controlplane/api';
import { systemClock } from '../../../controlplane/base/clock';
import { Unavailable } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { KubeconfigTransport } from '../../../controlplane/client/kubeconfig-transport';
import { createClient } from '../../../controlplane/client/rest-client';
import { dayMs, type KeyPair } from '../../../controlplane/pki/certificate';
import { issueCertificate } from '../../../controlplane/pki/issue';
import { nodeCredentials } from '../../../controlplane/pki/node-credentials';
import {
  type CredentialName,
  filesBeside,
  type NodeFiles,
  pathOf,
  readCredential,
  writeCredential,
} from '../../../controlplane/pki/node-files';
import { ensureNodePki } from '../../../controlplane/pki/pki';
import { openControlPlane } from '../../../test/lib/control-plane';
import { FakeClock } from '../../../test/lib/fake-clock';
import { Access } from '../server/access/access';
import { serveKubelet } from '../server/kubelet-server';
import { CertificateRenewer, type RenewerDeps } from './renewer';
import { ServingCertificate } from './serving-certificate';

t.setTimeout(240_000);

const node = { name: 'w1', ip: '192.168.56.11' };
const names: readonly CredentialName[] = ['kubelet', 'serving', 'kube-proxy', 'dns', 'ingress'];

/** A node whose certificates were issued `ageDays` ago, for a year. */
async function startNode(test: Test, ageDays: number) {
  const { server, url, authority, client: admin, signal } = await openControlPlane(test, { signsForMs: 365 * dayMs });
  await admin.create(nodes, {
    metadata: { name: node.name },
    status: { addresses: [{ type: 'InternalIP', address: node.ip }] },
  });
  const dir = test.testdir();
  const files = filesBeside(join(dir, 'kubelet.conf'), join(dir, 'pki'));
  await ensureNodePki(files.pkiDir, authority, node);
  const madeAtMs = Date.now() - ageDays * dayMs;
  const cluster = { server: url, caPem: authority.cert };
  for (const { name, desired } of nodeCredentials(node)) {
    await writeCredential(files, name, await issueCertificate(authority, desired, madeAtMs), cluster);
  }
  const transport = await KubeconfigTransport.open(pathOf(files, 'kubelet'));
  test.teardown(() => transport.close());
  const reports: string[] = [];
  const deps: RenewerDeps = {
    client: createClient(transport),
    clock: systemClock,
    log: silentLogger,
    files,
    nodeName: node.name,
    nodeIps: () => [node.ip],
    served: async () => {},
    report: (_, reason, message) => reports.push(`${reason}: ${message}`),
  };
  return { server, authority, files, deps, reports, signal };
}

const certificates = async (files: NodeFiles) =>
  Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readCredential(files, name))?.pair.cert ?? ''] as const)),
  );

t.test('all that a node holds is renewed before it ends, and works', async (t) => {
  const { files, deps, reports, signal } = await startNode(t, 350);
  const before = await certificates(files);
  const next = await new CertificateRenewer(deps).pass(signal);
  t.strictSame(reports, []);
  const after = await certificates(files);
  for (const name of names) {
    t.not(after[name], before[name], name);
    const leftMs = Date.parse(new X509Certificate(after[name]!).validTo) - Date.now();
    t.ok(leftMs > 300 * dayMs, `${name} has most of a year again`);
    t.equal((await stat(pathOf(files, name))).mode & 0o777, 0o600, `${name} is private`);
  }
  t.ok(next > Date.now(), 'the next renewal is later');
  // A client that opened the old file keeps working; a client that opens the file now uses the new certificate.
  t.equal((await deps.client.get(nodes, node.name)).metadata?.name, node.name);
  const renewed = await KubeconfigTransport.open(pathOf(files, 'kubelet'));
  t.teardown(() => renewed.close());
  t.equal((await createClient(renewed).get(nodes, node.name)).metadata?.name, node.name);
  const again = await new CertificateRenewer(deps).pass(signal);
  t.strictSame(await certificates(files), after, 'a second pass finds nothing due');
  t.ok(again > Date.now());
});

t.test('certificates with time left, and files of other programs, stay unchanged', async (t) => {
  const { authority, files, deps, reports, signal } = await startNode(t, 100);
  const admin = await issueCertificate(authority, { commonName: 'jane', usages: ['client'] }, Date.now() - 364 * dayMs);
  await writeCredential(files, 'ingress', admin, { server: 'https://192.0.2.1:6443', caPem: authority.cert });
  await writeFile(pathOf(files, 'dns'), 'apiVersion: v1\nkind: Config\ncurrent-context: ""\n');
  const texts = () => Promise.all(names.map((name) => readFile(pathOf(files, name), 'utf8')));
  const before = await texts();
  await new CertificateRenewer(deps).pass(signal);
  t.strictSame(await texts(), before);
  await writeFile(pathOf(files, 'kubelet'), 'apiVersion: v1\nkind: Config\nusers: [{ name: a, user: { token: x } }]\n');
  await new CertificateRenewer({ ...deps, clock: new FakeClock(Date.now() + 340 * dayMs) }).pass(signal);
  t.strictSame((await texts()).slice(1), before.slice(1), 'a kubelet with a token renews nothing');
  t.strictSame(reports, []);
});

t.test('the other fields of a kubeconfig stay unchanged', async (t) => {
  const { files, deps, signal } = await startNode(t, 350);
  const path = pathOf(files, 'kube-proxy');
  const text = await readFile(path, 'utf8');
  await writeFile(path, `# by hand\n${text.replace('preferences: {}', 'preferences: { colors: true }')}`);
  await new CertificateRenewer(deps).pass(signal);
  const renewed = await readFile(path, 'utf8');
  t.match(renewed, /# by hand/);
  t.match(renewed, /colors: true/);
});

t.test('a new address of the node renews the serving certificate', async (t) => {
  const { server, files, deps, signal } = await startNode(t, 1);
  const addresses = [node.ip, '192.168.56.77'].map((address) => ({ type: 'InternalIP', address }));
  await server.client().patch(nodes, node.name, 'merge', { status: { addresses } }, { subresource: 'status' });
  const before = await certificates(files);
  await new CertificateRenewer({ ...deps, nodeIps: () => [node.ip, '192.168.56.77'] }).pass(signal);
  const after = await certificates(files);
  t.ok(new X509Certificate(after['serving']!).checkIP('192.168.56.77'));
  t.equal(after['kubelet'], before['kubelet']);
});

t.test('failures are reported and retried; for an expired certificate the report says what to do', async (t) => {
  const { files, deps, reports, signal } = await startNode(t, 350);
  const before = await certificates(files);
  const clock = new FakeClock(Date.now());
  const client = { ...deps.client, create: () => Promise.reject(new Unavailable('cannot reach the server')) };
  const next = await new CertificateRenewer({ ...deps, client, clock }).pass(signal);
  t.equal(next, clock.now() + 60_000);
  t.equal(reports.length, names.length);
  t.match(reports[0], /^CertificateNotRenewed: .*kubelet.conf: cannot reach the server/);
  t.strictSame(await certificates(files), before, 'the files stay unchanged');
  reports.length = 0;
  clock.advance(20 * dayMs);
  await new CertificateRenewer({ ...deps, client, clock }).pass(signal);
  t.match(reports, [/own certificate ended at .*join again with a new token/]);
});

t.test("the kubelet's server uses the new pair for new connections, and old ones continue", async (t) => {
  const { authority, files, deps, signal } = await startNode(t, 350);
  const certificate = await ServingCertificate.open(files.pkiDir);
  const stop = new AbortController();
  const port = await serveKubelet(
    {
      host: '127.0.0.1',
      port: 0,
      certificate,
      access: new Access({ client: deps.client, clock: systemClock, nodeName: node.name }),
      streaming: { close: () => {} },
      problem: () => undefined,
      log: silentLogger,
      clock: systemClock,
    } as unknown as Parameters<typeof serveKubelet>[0],
    stop.signal,
  );
  t.teardown(() => stop.abort());
  const admin = await issueCertificate(
    authority,
    { commonName: 'a', organizations: ['system:masters'], usages: ['client'] },
    Date.now(),
  );
  const open = (pair: KeyPair) => {
    const agent = new Agent({ ...pair, ca: authority.cert, keepAlive: true, maxSockets: 1, servername: node.name });
    t.teardown(() => agent.destroy());
    return (path?: string) => ask(agent, port, path);
  };
  const old = open(admin);
  const first = await old();
  t.equal(first.status, 200);
  t.equal((await old(`/healthz?command=${'x'.repeat(60_000)}`)).status, 200, 'the command of an exec may be long');
  const abort = new AbortController();
  const loaded = Promise.withResolvers<void>();
  const served = async () => {
    await certificate.reload();
    loaded.resolve();
  };
  const running = new CertificateRenewer({ ...deps, served }).run(AbortSignal.any([signal, abort.signal]));
  await loaded.promise;
  abort.abort();
  await running;
  const second = await open(admin)();
  t.equal(second.status, 200);
  t.not(second.serial, first.serial);
  t.strictSame(await old(), first, 'on the connection it had');
  await certificate.reload();
  t.equal((await open(admin)()).serial, second.serial, 'nothing new, nothing changed');
  const other = await issueCertificate(authority, nodeCredentials(node)[1]!.desired, Date.now());
  await writeFile(join(files.pkiDir, 'kubelet.key'), other.key);
  await certificate.reload();
  t.equal((await open(admin)()).serial, second.serial, 'half of a new pair is not used');
  await writeFile(join(files.pkiDir, 'kubelet.crt'), other.cert);
  await certificate.reload();
  t.not((await open(admin)()).serial, second.serial, 'a complete pair is used, even if another program wrote it');
  t.equal((await open({ cert: '', key: '' })()).status, 401, 'clients still need a certificate');
});

function ask(agent: Agent, port: number, path = '/healthz'): Promise<{ status: number; serial: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({ host: '127.0.0.1', port, path, agent }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, serial: serialNumber }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
