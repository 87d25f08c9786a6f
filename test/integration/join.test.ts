// The life of a node's identity: a machine finds the cluster with a token, gets its certificates, works, and renews the
// certificates with its own credentials alone. The API server trusts the kubelet's server all the time.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { CertificateRenewer } from '../../agents/kubelet/certificates/renewer';
import { discover } from '../../agents/setup/credentials/discover';
import { requestNodeCredentials } from '../../agents/setup/credentials/request';
import { createToken, joinCommand } from '../../agents/setup/token';
import { certificateSigningRequests, leases, nodes } from '../../controlplane/api';
import { silentLogger } from '../../controlplane/base/logger';
import { connect } from '../../controlplane/client/connect';
import { dayMs } from '../../controlplane/pki/certificate';
import { filesBeside, pathOf, readCredential } from '../../controlplane/pki/node-files';
import { openControlPlane } from '../lib/control-plane';
import { FakeClock } from '../lib/fake-clock';

t.setTimeout(240_000);

t.test('token, discovery, certificates, work, renewal', async (t) => {
  const { server, authority, client: admin, signal } = await openControlPlane(t, { signsForMs: 10 * dayMs });
  const token = await createToken(admin, { ttlMs: dayMs }, signal);
  const printed = joinCommand({ server: `https://127.0.0.1:${server.port}`, ca: authority.cert }, token);
  const [, address = '', given = '', caHash = ''] =
    /^k8ts join (\S+) --token=(\S+) --ca-cert-hash=(\S+)$/.exec(printed) ?? [];

  t.comment('the join command, as a user pastes it on the machine');
  const cluster = await discover({ server: address, token: given, caHash });
  const dir = join(t.testdir(), 'k8ts');
  const nodeName = 'worker-1';
  const request = { ...cluster, token: given, nodeName, nodeIp: '192.168.56.11', dir, log: silentLogger };
  await requestNodeCredentials(request, signal);
  const files = filesBeside(join(dir, 'kubelet.conf'), join(dir, 'pki'));
  const client = await connect(pathOf(files, 'kubelet'));
  const lease = { metadata: { name: nodeName, namespace: 'kube-node-lease' }, spec: { holderIdentity: nodeName } };
  await client.create(leases, lease);
  await t.rejects(client.create(leases, { ...lease, metadata: { ...lease.metadata, name: 'other' } }), {
    code: 'Forbidden',
  });
  const endOf = async (name: 'kubelet' | 'serving' | 'dns') =>
    Date.parse(new X509Certificate((await readCredential(files, name))!.pair.cert).validTo);
  t.ok((await endOf('kubelet')) <= Date.now() + 10 * dayMs, 'not longer than the server allows');

  t.comment('nine and a half days later');
  const names = ['kubelet', 'serving', 'kube-proxy', 'dns', 'ingress'] as const;
  const held = () => Promise.all(names.map(async (name) => (await readCredential(files, name))!.pair.cert));
  const before = await held();
  const problems: string[] = [];
  const renewer = new CertificateRenewer({
    client,
    clock: new FakeClock(Date.now() + 9.5 * dayMs),
    log: silentLogger,
    files,
    nodeName,
    nodeIps: () => ['192.168.56.11'],
    served: async () => {},
    report: (_, reason, message) => problems.push(`${reason}: ${message}`),
  });
  await renewer.pass(signal);
  t.strictSame(problems, []);
  const after = await held();
  for (const [i, name] of names.entries()) t.not(after[i], before[i], name);
  const renewed = await connect(pathOf(files, 'kubelet'));
  t.equal((await renewed.get(nodes, nodeName)).metadata?.name, nodeName);
  t.equal((await (await connect(pathOf(files, 'kube-proxy'))).get(nodes, nodeName)).metadata?.name, nodeName);
  const asked = (await admin.list(certificateSigningRequests)).items.map(({ spec }) => spec.username);
  t.equal(asked.filter((user) => user?.startsWith('system:bootstrap:')).length, 1, 'the token was needed once');
  t.equal(asked.length, 10);
  t.strictSame(await requestNodeCredentials({ ...request, token: '' }, signal), [], 'and joining again finds all good');
});
