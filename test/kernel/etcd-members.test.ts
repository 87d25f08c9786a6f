// Members of etcd with the command lines and certificates of a local cluster, each in a network namespace of its own.
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { Scope } from '../../controlplane/base/scope';
import { etcdFiles } from '../../controlplane/pki/etcd';
import { issueCertificate } from '../../controlplane/pki/issue';
import { identities, readAuthority } from '../../controlplane/pki/pki';
import { etcdPorts } from '../../controlplane/process/etcd-runtime';
import { startProgram } from '../../dataplane/exec/system-exec';
import { connectInNetns } from '../../dataplane/netns/connect';
import { namedNetns } from '../../dataplane/netns/system-netns';
import { findPrograms, waitUntil } from '../../hack/dev/cluster';
import { ensureControlPki } from '../../hack/dev/control-pki';
import { etcdNodes } from '../../hack/dev/etcd';
import { etcdProblem } from '../../hack/dev/health';
import { type ClusterPlan, type NodePlan, planCluster } from '../../hack/dev/plan';
import { planProcesses } from '../../hack/dev/processes';
import { createNetns, skipWithoutKernel, type TestNetns } from '../lib/netns';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A switch, and three nodes connected to it. */
async function openNetwork(scope: Scope, plan: ClusterPlan): Promise<readonly TestNetns[]> {
  const [bridge, ...nodes] = await Promise.all(
    ['switch', ...plan.nodes].map(async () => {
      const netns = await createNetns();
      scope.defer(() => netns.teardown());
      return netns;
    }),
  );
  await bridge!.run('ip', 'link', 'add', 'br0', 'up', 'type', 'bridge');
  for (const [i, node] of nodes.entries()) {
    const port = `port${i}`;
    await bridge!.run('ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', node.name);
    await bridge!.run('ip', 'link', 'set', port, 'master', 'br0', 'up');
    await node.run('ip', 'addr', 'add', `${plan.nodes[i]!.ip}/24`, 'dev', 'eth0');
    await node.run('ip', 'link', 'set', 'eth0', 'up');
  }
  return nodes;
}

/** A call of etcd's HTTP gateway from inside the node. @throws when TLS fails */
async function call(node: NodePlan, path: string, body: unknown, pair?: Pair): Promise<Record<string, unknown>> {
  const host = node.ip;
  const socket = await connectInNetns(namedNetns(node.netns), { host, port: etcdPorts.client });
  const ca = await readFile(etcdFiles(node.control!.pkiDir).ca);
  const secure = connectTls({ socket, ca, host, servername: '', ...pair });
  secure.setTimeout(10_000, () => secure.destroy(new Error('no answer')));
  return new Promise((resolve, reject) => {
    secure.once('error', reject);
    const sent = request({ method: 'POST', path, createConnection: () => secure }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => {
        secure.destroy();
        resolve(JSON.parse(text) as Record<string, unknown>);
      });
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

t.test(
  'three members with certificates: who may read, and a member that was killed',
  { skip: skipWithoutKernel() },
  async (t) => {
    const scope = new Scope();
    t.teardown(() => scope.close());
    const dir = t.testdir();
    const planned = planCluster({
      name: 'members',
      nodes: 3,
      subnet: '192.168.241.0/24',
      store: 'etcd',
      controlPlanes: 3,
    });
    const namespaces = await openNetwork(scope, planned);
    const nodes = planned.nodes.map((node, i) => {
      const home = join(dir, node.name);
      const control = { pkiDir: join(home, 'pki'), dataDir: join(home, 'server'), etcdDir: join(home, 'etcd') };
      return { ...node, netns: namespaces[i]!.name, control };
    });
    const plan = { ...planned, nodes, pkiDir: nodes[0]!.control.pkiDir };
    t.ok((await ensureControlPki(plan)).length > 0);
    t.strictSame(await ensureControlPki(plan), [], 'nothing the second time');

    const facts = {
      programs: findPrograms(process.env['PATH'] ?? ''),
      upstreams: [],
      pauseImage: '',
    };
    const specs = planProcesses(plan, facts).filter(({ name }) => name.endsWith('/etcd'));
    const start = async (index: number) => {
      const { argv, env } = specs[index]!;
      const member = await startProgram(argv, { cwd: '/', env: { ...env }, stdio: ['ignore', 'ignore', 'ignore'] });
      scope.defer(async () => {
        member.kill('SIGKILL');
        await member.exited;
      });
      return member;
    };
    const healthy = (node: NodePlan) => waitUntil(`${node.name} is healthy`, 30_000, () => etcdProblem(node));
    const members = await Promise.all(nodes.map((_, i) => start(i)));
    for (const node of etcdNodes(plan)) await healthy(node);

    const files = etcdFiles(nodes[1]!.control.pkiDir);
    const ours = { cert: await readFile(files.clientCert, 'utf8'), key: await readFile(files.clientKey, 'utf8') };
    const written = { key: base64('/a'), value: base64('1') };
    t.hasProp(
      await call(nodes[0]!, '/v3/kv/put', written, ours),
      'header',
      'the API server of node 2 writes on node 1',
    );
    await t.rejects(call(nodes[0]!, '/v3/kv/range', { key: base64('/a') }), 'no certificate');
    const cluster = (await readAuthority(plan.pkiDir))!;
    const admin = await issueCertificate(cluster, identities.admin, Date.now());
    await t.rejects(call(nodes[0]!, '/v3/kv/range', { key: base64('/a') }, admin), "an administrator's certificate");

    members[0]!.kill('SIGKILL');
    await members[0]!.exited;
    await waitUntil('the others go on', 30_000, async () => {
      const answer = await call(nodes[1]!, '/v3/kv/put', { ...written, value: base64('2') }, ours);
      return answer['error'] === undefined ? undefined : String(answer['error']);
    });
    t.match(await etcdProblem(nodes[0]!), /does not answer/);
    await start(0);
    await healthy(nodes[0]!);
    t.match(await call(nodes[0]!, '/v3/kv/range', { key: base64('/a') }, ours), { kvs: [{ value: base64('2') }] });
  },
);
