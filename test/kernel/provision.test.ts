// hack/vm/provision on machines made of namespaces, where a mistake shows within a minute or two: on both machines at the same time,
// a second time, and after the control machine was created again.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { makePackage } from '../../hack/packaging/package';
import { skipWithoutMachines, type TestMachine, withMachines } from '../lib/machine';

const root = join(__dirname, '..', '..');
const exec = new SystemExec();
const controlIp = '192.168.240.10';
const workerIp = '192.168.240.11';

t.setTimeout(900_000);

/** The files that Vagrant would put into /vagrant. */
async function checkout(): Promise<string> {
  const dir = mkdtempSync(join(root, '.k8ts', 'provision-'));
  for (const folder of ['hack/vm', 'hack/demo']) cpSync(join(root, folder), join(dir, folder), { recursive: true });
  mkdirSync(join(dir, '.k8ts/vm/keys'), { recursive: true });
  await exec.run(['cp', '-al', await makePackage(), join(dir, '.k8ts/package')]);
  await exec.run([
    'ssh-keygen',
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'k8ts-worker',
    '-f',
    join(dir, '.k8ts/vm/keys/worker'),
  ]);
  // The machines cannot reach the npm registry: the command with which a machine builds the package itself only copies it here.
  const make = '#!/bin/bash\ncd "$(dirname "$0")/.." && mkdir -p .k8ts && cp -a /shared/.k8ts/package .k8ts/\n';
  writeFileSync(join(dir, 'hack/package'), make, { mode: 0o755 });
  return dir;
}

/** Runs provision as Vagrant does: by sudo, as an ordinary user. @throws Error with its output */
async function provision(machine: TestMachine, role: 'control' | 'worker', build = 'auto'): Promise<string> {
  const settings = `K8TS_BUILD=${build} K8TS_NODE_NAME=${machine.name} K8TS_NODE_IP=${machine.ip} K8TS_CONTROL_IP=${controlIp} K8TS_NODES=2`;
  const command = `sudo env ${settings} K8TS_PATIENCE=300 bash /shared/hack/vm/provision ${role}`;
  const said = await machine.sh(`su vagrant -c '${command}' 2>&1 || echo "status $?"`);
  if (/^status \d+$/m.test(said)) throw new Error(`provision ${role}: ${said}`);
  return said;
}

async function likeABox(machine: TestMachine): Promise<void> {
  await machine.sh(
    'useradd -m -s /bin/bash vagrant; echo "vagrant ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/vagrant; systemctl start ssh',
  );
}

const pids = (machine: TestMachine): Promise<string> =>
  machine.sh('systemctl show -p MainPID docker k8ts-kubelet k8ts-kube-proxy k8ts-dns k8ts-ingress');

async function podsAreReady(t: Test, control: TestMachine): Promise<void> {
  const kubectl = 'KUBECONFIG=/etc/k8ts/admin.conf kubectl -n codereview';
  await control.sh(`${kubectl} rollout status deployment/codereviewapi --timeout=120s`);
  const nodes = await control.sh(`${kubectl} get pods -o 'jsonpath={.items[*].spec.nodeName}'`);
  t.strictSame([...new Set(nodes.split(' '))].sort(), ['control', 'worker-1'], 'the demo is spread over the nodes');
}

t.test(
  'a control machine and a worker, at the same time',
  { skip: skipWithoutMachines(), timeout: 900_000 },
  async (t) => {
    const shared = await checkout();
    t.teardown(() => rmSync(shared, { recursive: true, force: true }));
    await withMachines(shared, async (lab) => {
      const [control, worker] = await Promise.all([
        lab.machine('control', controlIp),
        lab.machine('worker-1', workerIp),
      ]);
      await Promise.all([control, worker].map(likeABox));

      await t.test('the first time', async (t) => {
        // The worker sends its request before the control machine runs.
        const joining = provision(worker, 'worker');
        const [made, joined] = await Promise.all([provision(control, 'control'), joining]);
        t.match(made, /control: starting the control plane/);
        t.match(joined, /worker-1: waiting for the control machine: /);
        t.match(joined, /worker-1: joining \(k8ts join 192\.168\.240\.10:6443\)/);
        t.match(joined, /the demo: created Namespace codereview/);
        await podsAreReady(t, control);
      });

      await t.test('the door does its few things and no other', async (t) => {
        const ask = (word: string) =>
          worker.sh(
            `ssh -q -i /root/.ssh/k8ts-worker -o BatchMode=yes -o StrictHostKeyChecking=no vagrant@${controlIp} ${word} 2>&1 || echo "status $?"`,
          );
        t.match(
          await ask('join'),
          /^k8ts join 192\.168\.240\.10:6443 --token=\S+ --ca-cert-hash=sha256:[0-9a-f]{64}\n$/,
        );
        t.equal(await ask("'id; echo $(id)'"), 'expected join, join-control, package or demo\nstatus 64\n');
        t.match(await ask('join-control'), /^this cluster has one control machine .*\nstatus 64\n$/);
        t.equal(await ask("'demo 1; id'"), 'demo: expected the number of nodes\nstatus 64\n');
        t.equal(
          await ask(''),
          'expected join, join-control, package or demo\nstatus 64\n',
          'an empty request starts no shell',
        );
      });

      await t.test('a second time changes nothing', async (t) => {
        const before = [await pids(control), await pids(worker)];
        t.match(await provision(control, 'control'), /Nothing has changed/);
        t.match(await provision(worker, 'worker'), /Nothing has changed/);
        t.strictSame([await pids(control), await pids(worker)], before);
        t.equal(await control.sh('grep -c k8ts-worker ~vagrant/.ssh/authorized_keys'), '1\n');
      });

      await t.test('a worker created again with its old name', async (t) => {
        const range = () =>
          control.sh("KUBECONFIG=/etc/k8ts/admin.conf kubectl get node worker-1 -o 'jsonpath={.spec.podCIDR}'");
        const before = await range();
        await worker.sh('k8ts reset --yes; rm -rf /root/.ssh');
        t.match(await provision(worker, 'worker'), /certificate requested file=kubelet\.conf/);
        t.equal(await range(), before, 'the cluster keeps its range');
        await podsAreReady(t, control);
      });

      await t.test('a control machine created again, with a package of its own, gets its worker back', async (t) => {
        await control.sh('k8ts reset --yes');
        t.match(await provision(control, 'control', 'control'), /building the k8ts package here/);
        const joined = await provision(worker, 'worker', 'control');
        t.match(joined, /fetching the k8ts package from the control machine/);
        t.match(joined, /leaving the cluster that this machine was part of/);
        t.equal(
          await worker.sh('ls -A /var/lib | grep -c k8ts-build || true'),
          '0\n',
          'the fetched package is removed',
        );
        await podsAreReady(t, control);
      });
    });
  },
);

t.test(
  'a worker without a control machine fails with the reason',
  { skip: skipWithoutMachines(), timeout: 300_000 },
  async (t) => {
    const shared = await checkout();
    t.teardown(() => rmSync(shared, { recursive: true, force: true }));
    await withMachines(shared, async (lab) => {
      const worker = await lab.machine('worker-1', workerIp);
      const told = await worker.sh(
        `K8TS_NODE_NAME=worker-1 K8TS_NODE_IP=${workerIp} K8TS_CONTROL_IP=${controlIp} K8TS_NODES=2 K8TS_PATIENCE=1 bash /shared/hack/vm/provision worker 2>&1 || echo "status $?"`,
      );
      t.match(told, /no progress of the control machine for 1 seconds \(.*\); run: vagrant up control/);
      t.match(told, /status 1\n$/);
    });
  },
);
