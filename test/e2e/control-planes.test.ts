// Three control planes: one is killed, frozen or cut off together with its member of etcd, while clients and traffic go on. The times
// are printed, and not judged: they depend on the machine.
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { NodePlan } from '../../hack/dev/plan';
import { processStatus, stopProcesses } from '../../hack/dev/supervisor-control';
import { checkHistory } from '../lib/history';
import { ApiClients } from './api-clients';
import { Cluster, output, until } from './cluster';
import { Traffic } from './traffic';

const name = `e2e3-${process.pid}`;
const cluster = new Cluster(name, join(t.testdir(), 'kube', 'config'));
let clients: ApiClients | undefined;

t.setTimeout(900_000);
t.teardown(async () => {
  // The cluster still exists here only if an earlier test has failed.
  if (existsSync(`/var/lib/k8ts/${name}`)) await cluster.script('down');
});

/** Server and member of etcd. */
const partsOf = (node: NodePlan) => [`${node.name}/server`, `${node.name}/etcd`];

async function pidsOf(node: NodePlan): Promise<readonly number[]> {
  const status = await processStatus(cluster.plan.runDir);
  return status.filter((entry) => partsOf(node).includes(entry.name)).map(({ pid }) => pid!);
}
const signalAll = async (node: NodePlan, signal: NodeJS.Signals) => {
  for (const pid of await pidsOf(node)) process.kill(pid, signal);
};
const link = (node: NodePlan, state: 'up' | 'down') => output(['ip', 'link', 'set', node.veth, state]);

interface Fault {
  readonly name: string;
  readonly begin: (node: NodePlan) => Promise<unknown>;
  readonly end: (node: NodePlan) => Promise<unknown>;
  /** Whether the pods of the node can still be reached. */
  readonly podsAnswer: boolean;
}
const faults: readonly Fault[] = [
  {
    name: 'killed, and has lost the data of its member of etcd',
    begin: async (node) => {
      const { etcdDir = '' } = node.control!;
      renameSync(etcdDir, `${etcdDir}.lost`);
      await signalAll(node, 'SIGKILL');
      const server = `${node.name}/server`;
      await stopProcesses(cluster.plan.runDir, [server]);
    },
    end: () => cluster.script('up', '--no-demo', '--quiet'),
    podsAnswer: true,
  },
  {
    name: 'frozen',
    begin: (node) => signalAll(node, 'SIGSTOP'),
    end: (node) => signalAll(node, 'SIGCONT'),
    podsAnswer: true,
  },
  {
    name: 'cut off',
    begin: (node) => link(node, 'down'),
    end: async (node) => {
      await link(node, 'up');
      // The kernel has removed the routes of a link that was down.
      await cluster.script('up', '--no-demo', '--quiet');
    },
    podsAnswer: false,
  },
];

t.test('hack/up --control-planes 3', async (t) => {
  const { code, stderr } = await cluster.script('up', '--control-planes', '3', '--nodes', '3');
  if (code !== 0) return t.bailout(`hack/up failed: ${stderr}`);
  const labelled = await cluster.kubectl('get', 'nodes', '-l', 'node-role.kubernetes.io/control-plane', '-o', 'name');
  t.strictSame(labelled.trim().split('\n'), ['node/control', 'node/control-2', 'node/control-3']);
  t.equal((await cluster.script('status')).code, 0);
  clients = await ApiClients.start(cluster.plan.adminConf, 'history');
});

for (const fault of faults) {
  t.test(`a control plane is ${fault.name}`, async (t) => {
    const victim = await leader();
    const others = cluster.plan.nodes.filter(({ name }) => name !== victim.name);
    const traffic = new Traffic(fault.podsAnswer ? cluster.nodeIps : []);
    clients!.lap();
    const started = performance.now();
    const since = () => Math.round(performance.now() - started);
    try {
      await fault.begin(victim);
      await clients!.acknowledged(20);
      const writesMs = since();
      await deploy(`during-${faults.indexOf(fault)}`, others[0]!);
      const { writes, failed, longestMs } = clients!.lap();
      t.comment(
        `${victim.name}, which led the controllers, is ${fault.name}: the longest pause of the writer was ${longestMs} ms ` +
          `(${writes} writes acknowledged, ${failed} failed); 20 writes after ${writesMs} ms; a new Deployment was ready after ${since()} ms`,
      );
    } finally {
      await fault.end(victim);
    }
    await until('all is well again', async () => (await cluster.script('status')).code === 0, 180_000);
    const back = clients!.lap();
    t.comment(`back: the longest pause of the writer was ${back.longestMs} ms (${back.failed} failed)`);
    const { requests, failures } = await traffic.end();
    t.strictSame(failures, [], `${requests} requests to pods went on`);
  });
}

t.test('no acknowledged write is lost, and no watch has missed or repeated one', async (t) => {
  const { history, problems } = await clients!.end();
  t.ok(history.writes.length > 100, `${history.writes.length} writes`);
  t.strictSame([...problems, ...checkHistory(history)], []);
});

t.test('hack/down', async (t) => {
  const { code, stdout } = await cluster.script('down');
  t.equal(code, 0, stdout);
  t.notOk(existsSync(`/var/lib/k8ts/${name}`));
});

/** The node whose server leads the controllers. */
async function leader(): Promise<NodePlan> {
  type Lease = { spec: { holderIdentity: string } };
  return until('a server leads', async () => {
    const lease = await cluster.json<Lease>('-n', 'kube-system', 'get', 'lease', 'kube-controller-manager');
    return cluster.plan.nodes.find((node) => node.name === lease.spec.holderIdentity);
  });
}

/** A Deployment on a node that nothing has happened to: controllers, scheduler and kubelet must work for it. */
async function deploy(name: string, { name: node }: NodePlan): Promise<void> {
  const { spec } = await cluster.json<{ spec: { template: { spec: { containers: { image: string }[] } } } }>(
    ...['-n', 'codereview', 'get', 'deployment', 'codereviewapi'],
  );
  const container = { name: 'app', image: spec.template.spec.containers[0]!.image };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'history' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { nodeSelector: { 'kubernetes.io/hostname': node }, containers: [container] },
      },
    },
  };
  await until('the Deployment is accepted', () => cluster.apply(JSON.stringify(deployment)));
  await until(
    'it is ready',
    async () =>
      (await cluster.json<{ status: { readyReplicas?: number } }>('-n', 'history', 'get', 'deployment', name)).status
        .readyReplicas === 1,
    120_000,
  );
}
