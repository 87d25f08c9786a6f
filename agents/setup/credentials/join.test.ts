// A machine joins a real API server whose controllers run in this process: token, discovery, requests, a working client; and each
// way in which it is refused.
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { certificateSigningRequests, configMaps, nodes, secrets } from '../../../controlplane/api';
import { bootstrapTokenSecret } from '../../../controlplane/api/bootstrap-token';
import { AppError, describeError, isAlreadyExists } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { connect } from '../../../controlplane/client/connect';
import { dayMs } from '../../../controlplane/pki/certificate';
import { pinOf, renderClusterInfo } from '../../../controlplane/pki/cluster-info';
import { createAuthority, issueCertificate } from '../../../controlplane/pki/issue';
import { readEntry } from '../../../controlplane/pki/kubeconfig';
import { openControlPlane } from '../../../test/lib/control-plane';
import { eventually } from '../../../test/lib/eventually';
import type { TestServer } from '../../../test/lib/test-server';
import { discover } from './discover';
import { requestNodeCredentials } from './request';
import type { NodeCredentialsRequest } from './types';

t.setTimeout(240_000);

const token = 'abcdef.0123456789abcdef';
const group = 'system:bootstrappers:kubeadm:default-node-token';

interface Cluster {
  readonly server: TestServer;
  readonly admin: Client;
  readonly address: string;
  readonly caPem: string;
  readonly caHash: string;
  request(dir: string, fields?: Partial<NodeCredentialsRequest>): NodeCredentialsRequest;
}

async function startCluster(test: Test): Promise<Cluster> {
  const { server, authority, client: admin } = await openControlPlane(test, { signsForMs: 10 * dayMs });
  await createToken(admin, token);
  const address = `127.0.0.1:${server.port}`;
  return {
    server,
    admin,
    address,
    caPem: authority.cert,
    caHash: pinOf(authority.cert),
    request: (dir, fields = {}) => ({
      server: `https://${address}`,
      caPem: authority.cert,
      token,
      nodeName: 'worker-1',
      nodeIp: '192.168.56.11',
      dir,
      log: silentLogger,
      ...fields,
    }),
  };
}

/** Resolves when cluster-info is signed with it. */
async function createToken(admin: Client, text: string, expiresAtMs = Date.now() + dayMs): Promise<void> {
  const [id = '', secret = ''] = text.split('.');
  const usages = ['authentication', 'signing'];
  await admin.create(
    secrets,
    bootstrapTokenSecret({ id, secret, description: '', usages, groups: [group], expiresAtMs }),
  );
  await eventually(admin, configMaps, (maps) => maps.some(({ data }) => data?.[`jws-kubeconfig-${id}`] !== undefined));
}

const never = () => new AbortController().signal;

t.test('a machine joins, and a second run changes nothing', async (t) => {
  const cluster = await startCluster(t);
  const found = await discover({ server: cluster.address, token, caHash: cluster.caHash });
  t.strictSame(found, { server: `https://${cluster.address}`, caPem: cluster.caPem });
  const dir = join(t.testdir(), 'k8ts');
  const files = ['pki/ca.crt', 'kubelet.conf', 'pki/kubelet.crt', 'kube-proxy.conf', 'dns.conf', 'ingress.conf'];
  const written = await requestNodeCredentials(cluster.request(dir), never());
  t.match(
    written,
    files.map((file) => new RegExp(`^${file}: it was missing`)),
  );
  for (const file of [...files, 'pki/kubelet.key']) t.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
  const node = await (await connect(join(dir, 'kubelet.conf'))).get(nodes, 'worker-1');
  t.match(node, {
    spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
    status: { addresses: [{ type: 'InternalIP', address: '192.168.56.11' }, { type: 'Hostname' }] },
  });
  for (const agent of ['kube-proxy', 'dns', 'ingress']) {
    const client = await connect(join(dir, `${agent}.conf`));
    t.equal((await client.list(nodes)).items.length, 1, `${agent} has its permissions`);
    await t.rejects(client.list(certificateSigningRequests), { code: 'Forbidden' }, `${agent} has no more`);
  }
  t.strictSame(await requestNodeCredentials(cluster.request(dir, { token: '' }), never()), [], 'nothing to do');
  await rm(join(dir, 'dns.conf'));
  await writeFile(join(dir, 'ingress.conf'), 'a: [');
  await writeFile(join(dir, 'pki/kubelet.key'), 'broken');
  t.strictSame(
    await requestNodeCredentials(cluster.request(dir, { token: '' }), never()),
    ['pki/kubelet.crt: it cannot be read', 'dns.conf: it was missing', 'ingress.conf: it was missing'],
    'the node requests missing files itself, without a token',
  );
  t.match(await requestNodeCredentials(cluster.request(dir, { nodeIp: '192.168.56.21' }), never()), [
    'pki/kubelet.crt: it does not cover 192.168.56.21',
  ]);
  t.equal(
    (await cluster.admin.get(nodes, 'worker-1')).status?.addresses?.[0]?.address,
    '192.168.56.21',
    'it has moved',
  );
  const entry = readEntry(await readFile(join(dir, 'kubelet.conf'), 'utf8'), 'k8ts');
  t.equal(entry?.server, `https://${cluster.address}`);
});

t.test('each refusal of discovery has one message', async (t) => {
  const cluster = await startCluster(t);
  const good = { server: cluster.address, token, caHash: cluster.caHash };
  const wrong = async (options: Partial<typeof good>, code: string, message: RegExp) => {
    await t.rejects(discover({ ...good, ...options }), { code, message }, JSON.stringify(options));
  };
  await wrong({ token: 'abc' }, 'BadRequest', /malformed: expected ID.SECRET/);
  await wrong({ caHash: 'sha256:12' }, 'BadRequest', /hash .* is malformed/);
  await wrong({ caHash: '' }, 'BadRequest', /hash .* is missing/);
  await wrong({ server: 'http://a b' }, 'BadRequest', /expected HOST:PORT/);
  await wrong({ caHash: `sha256:${'0'.repeat(64)}` }, 'Unauthorized', /is not the cluster that was meant/);
  t.ok(await discover({ ...good, caHash: `sha256:${'0'.repeat(64)},${cluster.caHash}` }), 'one of several');
  await wrong({ token: 'ghijkl.0123456789abcdef' }, 'Unauthorized', /token ghijkl is unknown .* or its time is over/);
  await wrong({ token: 'abcdef.0123456789abcdee' }, 'Unauthorized', /the secret of token abcdef is another one/);
  await cluster.admin.delete(secrets, 'kube-system/bootstrap-token-abcdef');
  await eventually(cluster.admin, configMaps, (maps) => maps.every(({ data }) => !data?.['jws-kubeconfig-abcdef']));
  await wrong({}, 'Unauthorized', /token abcdef is unknown/);
  const ended = 'mnopqr.0123456789abcdef';
  await createToken(cluster.admin, ended);
  t.ok(await discover({ ...good, token: ended }));
  const stringData = { expiration: '2020-01-01T00:00:00Z' };
  await cluster.admin.patch(secrets, 'kube-system/bootstrap-token-mnopqr', 'merge', { stringData });
  await eventually(cluster.admin, secrets, (list) => list.every(({ metadata }) => !metadata?.name?.endsWith('mnopqr')));
  await eventually(cluster.admin, configMaps, (maps) => maps.every(({ data }) => !data?.['jws-kubeconfig-mnopqr']));
  await wrong({ token: ended }, 'Unauthorized', /token mnopqr is unknown .* or its time is over/);
  const { port } = cluster.server;
  await cluster.admin.delete(configMaps, 'kube-public/cluster-info');
  await wrong({}, 'Unauthorized', /does not let machines that join read ConfigMap kube-public\/cluster-info/);
  await wrong({ server: `127.0.0.1:${port === 1 ? 2 : 1}` }, 'Unavailable', /no API server answers .*curl -k https/);
});

t.test('a server in between that relays the right text is refused', async (t) => {
  const cluster = await startCluster(t);
  const map = await cluster.admin.get(configMaps, 'kube-public/cluster-info');
  const stranger = await createAuthority('kubernetes', Date.now());
  const names = { commonName: 'kube-apiserver', hosts: ['127.0.0.1'], usages: ['server' as const] };
  const listener = createServer(await issueCertificate(stranger, names, Date.now()), (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(map));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listener.close());
  const server = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  await t.rejects(discover({ server, token, caHash: cluster.caHash }), {
    code: 'Unauthorized',
    message: /shows no certificate for this address that the cluster's authority has signed/,
  });
  map.data = { kubeconfig: renderClusterInfo({ server: 'https://x:1', caPem: stranger.cert }) };
  await t.rejects(discover({ server, token, caHash: cluster.caHash }), {
    message: /is not the cluster that was meant/,
  });
});

t.test('names and addresses in use are refused, and malformed tokens', async (t) => {
  const cluster = await startCluster(t);
  const base = t.testdir();
  await requestNodeCredentials(cluster.request(join(base, 'one')), never());
  const refused = async (fields: Partial<NodeCredentialsRequest>, code: string, message: RegExp) => {
    const failure = await requestNodeCredentials(cluster.request(join(base, 'two'), fields), never()).catch((e) => e);
    t.ok(failure instanceof AppError, describeError(failure));
    t.match(failure, { code, message }, describeError(failure));
  };
  const other = { nodeName: 'worker-2', nodeIp: '192.168.56.12' };
  await refused(
    { ...other, nodeIp: '192.168.56.11' },
    'AlreadyExists',
    /192.168.56.11 belongs to node worker-1 already/,
  );
  await refused({ ...other, nodeName: 'Worker' }, 'BadRequest', /node name "Worker"/);
  await refused({ ...other, nodeIp: '127.0.0.1' }, 'BadRequest', /--node-ip/);
  await refused({ ...other, nodeIp: '' }, 'BadRequest', /--node-ip/);
  await refused(
    { ...other, token: '' },
    'BadRequest',
    /a token is needed: .*kubelet.conf cannot be used \(it was missing\)/,
  );
  await refused({ ...other, token: 'ghijkl.0123456789abcdef' }, 'Unauthorized', /token ghijkl is unknown/);
  await setReady(cluster.admin, 'worker-1', 'True');
  const live = { nodeName: 'worker-1', nodeIp: '192.168.56.13' };
  await refused(live, 'AlreadyExists', /worker-1 belongs to a node that is alive, at 192.168.56.11.*--node-name/);
  await cluster.admin.delete(nodes, 'worker-1');
  t.equal((await requestNodeCredentials(cluster.request(join(base, 'two'), live), never())).length, 5, 'a free name');
  const race = await Promise.allSettled(
    ['a', 'b'].map((nodeName) =>
      requestNodeCredentials(cluster.request(join(base, nodeName), { nodeName, nodeIp: '192.168.56.50' }), never()),
    ),
  );
  const lost = race.filter((one) => one.status === 'rejected');
  t.equal(lost.length, 1, 'of two that come at once, one gets the address');
  t.ok(isAlreadyExists(lost[0]?.reason), describeError(lost[0]?.reason));
});

t.test('a destroyed machine joins again under its name, once its node is not Ready', async (t) => {
  const cluster = await startCluster(t);
  const base = t.testdir();
  await requestNodeCredentials(cluster.request(join(base, 'before')), never());
  await setReady(cluster.admin, 'worker-1', 'True');
  const again = requestNodeCredentials(cluster.request(join(base, 'after')), never());
  await eventually(
    cluster.admin,
    certificateSigningRequests,
    (list) => list.filter(({ spec }) => spec.username === 'system:bootstrap:abcdef').length === 2,
  );
  await setReady(cluster.admin, 'worker-1', 'Unknown');
  t.equal((await again).length, 6);
  const client = await connect(join(base, 'after', 'kubelet.conf'));
  t.equal((await client.get(nodes, 'worker-1')).metadata?.name, 'worker-1');
});

async function setReady(admin: Client, name: string, status: 'True' | 'Unknown'): Promise<void> {
  const conditions = [{ type: 'Ready', status }];
  await admin.patch(nodes, name, 'merge', { status: { conditions } }, { subresource: 'status' });
}
