// kill -9 of each process in turn: the process starts again, no container restarts, no address changes, traffic continues, and
// no acknowledged write is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import type t from 'tap';
import type { ProcessStatus } from '../../hack/dev/supervisor/spec';
import { processStatus, supervisorPid } from '../../hack/dev/supervisor-control';
import { ask, type Cluster, type Pod, podsOf, run, until } from './cluster';
import { Traffic } from './traffic';

type Test = typeof t;

/** The identities that must not change when processes end. */
export const identityOf = ({ metadata, status, spec }: Pod) => ({
  uid: metadata.uid,
  node: spec.nodeName,
  ip: status.podIP,
  containers: status.containerStatuses?.map(({ containerID, restartCount, state }) => [
    containerID,
    restartCount,
    state.running?.startedAt,
  ]),
});

export function failureTests(t: Test, cluster: Cluster): void {
  const identities = async () =>
    (await podsOf(cluster, 'codereview')).map(identityOf).sort((a, b) => (a.uid < b.uid ? -1 : 1));

  t.test('kill -9 of each process in turn', async (t) => {
    const before = await identities();
    t.equal(before.length, 4);
    const processes = await processStatus(cluster.plan.runDir);
    for (const { name } of processes) {
      await t.test(name, async (t) => {
        const traffic = new Traffic(cluster.nodeIps);
        const writes = name === 'server' ? new Writes(cluster) : undefined;
        const old = await statusOf(cluster, name);
        process.kill(old.pid!, 'SIGKILL');
        const now = await until(`${name} runs again`, async () => {
          const status = await statusOf(cluster, name);
          return status.state === 'running' && status.pid !== old.pid && status;
        });
        t.equal(now.restarts, old.restarts + 1);
        await until(`${name} is healthy`, async () => (await cluster.script('status')).code === 0);
        const { requests, failures } = await traffic.end();
        t.ok(requests > 0, 'there was traffic');
        t.strictSame(failures, [], `${requests} requests went on`);
        if (writes) {
          const { acknowledged, lost } = await writes.end();
          t.ok(acknowledged > 0, `${acknowledged} writes were acknowledged`);
          t.strictSame(lost, [], 'and no write is lost');
        }
        t.strictSame(await identities(), before, 'same containers, same addresses');
      });
    }
  });

  t.test('kill -9 of the supervisor: the processes continue, hack/up adopts them', async (t) => {
    const pids = (list: readonly ProcessStatus[]) => list.map(({ name, pid }) => [name, pid]);
    const before = pids(await processStatus(cluster.plan.runDir));
    process.kill(supervisorPid(cluster.plan.runDir)!, 'SIGKILL');
    await until('the supervisor has ended', async () => supervisorPid(cluster.plan.runDir) === undefined);
    t.equal((await cluster.script('status')).code, 1, 'hack/status reports it');
    t.equal((await cluster.script('up', '--quiet')).code, 0);
    t.strictSame(pids(await processStatus(cluster.plan.runDir)), before, 'the same processes');
  });

  t.test('a deleted rule set is written again', async (t) => {
    const count = async () =>
      (await cluster.inNode('worker-1', 'iptables-save', '-t', 'nat'))
        .split('\n')
        .filter((line) => line.startsWith('-A')).length;
    const before = await count();
    await cluster.inNode('worker-1', 'iptables', '-w', '-t', 'nat', '-F');
    await until('all rules are back', async () => (await count()) >= before, 30_000);
    const ip = cluster.plan.nodes[1]!.ip;
    t.equal((await ask(`http://${ip}:30080/`)).namespace, 'codereview');
  });

  t.test('hack/up restores the deleted default route of a node', async (t) => {
    const node = cluster.plan.nodes[2]!;
    await cluster.inNode(node.name, 'ip', 'route', 'delete', 'default');
    t.equal((await cluster.script('up', '--quiet')).code, 0);
    t.match(await cluster.inNode(node.name, 'ip', 'route'), `default via ${cluster.plan.gateway}`);
  });
}

async function statusOf(cluster: Cluster, name: string): Promise<ProcessStatus> {
  const status = (await processStatus(cluster.plan.runDir)).find((entry) => entry.name === name);
  if (!status) throw new Error(`${name} is not known to the supervisor`);
  return status;
}

/** Creates objects as fast as they are acknowledged, and afterwards checks that each exists. */
class Writes {
  private stopped = false;
  private readonly acknowledged: string[] = [];
  private readonly done: Promise<void>;

  constructor(private readonly cluster: Cluster) {
    this.done = this.loop();
  }

  async end(): Promise<{ acknowledged: number; lost: readonly string[] }> {
    this.stopped = true;
    await this.done;
    const text = await this.cluster.kubectl('get', 'configmaps', '-o', 'name');
    const there = new Set(text.split('\n'));
    const lost = this.acknowledged.filter((name) => !there.has(`configmap/${name}`));
    await run(['kubectl', 'delete', 'configmap', '-l', 'e2e=writes'], { env: this.cluster.env });
    return { acknowledged: this.acknowledged.length, lost };
  }

  private async loop(): Promise<void> {
    const kubeconfig = this.cluster.plan.adminConf;
    const { Api } = await import('../../hack/dev/api');
    const api = await Api.open(kubeconfig);
    for (let i = 0; !this.stopped; i++) {
      const name = `write-${process.pid}-${i}`;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { e2e: 'writes' } } };
      const answer = await api.send('POST', '/api/v1/namespaces/default/configmaps', body).catch(() => undefined);
      if (answer?.status === 201) this.acknowledged.push(name);
      else await sleep(20);
    }
  }
}
