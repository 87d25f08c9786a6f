// Two complete machines with systemd and Docker become control machines of one cluster in etcd: k8ts init --store=etcd, k8ts join
// --control-plane, the second is lost, and leaves.
import { copyFileSync, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { makePackage } from '../../hack/packaging/package';
import { skipWithoutMachines, type TestMachine, withMachines } from '../lib/machine';

const root = join(__dirname, '..', '..');
const built = existsSync(join(root, 'dist/k8ts.js'));
if (!built && process.env['REQUIRE_KERNEL'] === '1') throw new Error('dist/k8ts.js is not there: run hack/build.ts');
const skip = built ? skipWithoutMachines() : 'dist/k8ts.js is not there';
const [firstIp, secondIp] = ['192.168.240.10', '192.168.240.11'];

t.setTimeout(900_000);

/** The package together with etcd of this machine: those of the test have no etcd-server. */
async function sharedFolder(): Promise<string> {
  const folder = join(root, `.k8ts/package-${process.pid}`);
  await new SystemExec().run(['cp', '-al', await makePackage(), folder]);
  copyFileSync('/usr/bin/etcd', join(folder, 'etcd'));
  return folder;
}

t.test('two control machines, and one again', { skip, timeout: 900_000 }, async (t) => {
  const shared = await sharedFolder();
  t.teardown(() => rm(shared, { recursive: true, force: true }));
  await withMachines(shared, async (lab) => {
    const first = await lab.machine('control', firstIp);
    const second = await lab.machine('control-2', secondIp);
    const kubectl = (machine: TestMachine, line: string) =>
      machine.sh(`KUBECONFIG=/etc/k8ts/admin.conf kubectl ${line}`);
    const askEtcd = async <Answer>(machine: TestMachine, path: string, body: object = {}) => {
      const pki = '/var/lib/k8ts/server/pki';
      const files = `--cacert ${pki}/etcd/ca.crt --cert ${pki}/apiserver-etcd-client.crt --key ${pki}/apiserver-etcd-client.key`;
      const url = `https://127.0.0.1:2379/v3/${path}`;
      return JSON.parse(await machine.sh(`curl -sS ${files} -X POST -d '${JSON.stringify(body)}' ${url}`)) as Answer;
    };
    const memberList = async (machine: TestMachine) =>
      (await askEtcd<{ members: { ID: string; name: string; isLearner?: boolean }[] }>(machine, 'cluster/member/list'))
        .members;
    const members = async (machine: TestMachine) =>
      (await memberList(machine)).map(({ name, isLearner = false }) => [name, isLearner]);
    const leader = async (machine: TestMachine) => {
      const { leader } = await askEtcd<{ leader?: string }>(machine, 'maintenance/status');
      return (await memberList(machine)).find(({ ID }) => ID === leader)?.name;
    };
    const refused = async (machine: TestMachine, line: string, why: RegExp) => {
      const { stdout } = await machine.run('bash', '-c', `${line} 2>&1; echo "status $?"`);
      t.match(stdout, why, line);
      t.match(stdout, /status 1\n$/);
    };

    await t.test('init --store=etcd', async (t) => {
      await refused(first, '/shared/k8ts init --store=etcd', /missing: etcd\.\n.* etcd-server/);
      for (const machine of [first, second]) await machine.sh('install /shared/etcd /usr/bin/etcd');
      t.match(await first.sh('/shared/k8ts init --store=etcd'), /Node control is Ready/);
      t.match(await first.sh('k8ts init'), /^Nothing has changed\.$/m);
      t.strictSame(await members(first), [['control', false]]);
      t.equal(
        await first.sh('stat -c %a:%U /var/lib/k8ts/etcd /var/lib/k8ts/server/pki/etcd/ca.key'),
        '700:k8ts-server\n600:k8ts-server\n',
      );
      await refused(first, 'k8ts init --store=sqlite', /objects are in etcd, not in SQLite/);
      await kubectl(first, 'create configmap before');
    });

    await t.test('join --control-plane', async (t) => {
      const [join_ = '', ...rest] = (await first.sh('k8ts token create --control-plane')).trim().split('\n');
      t.strictSame(rest, []);
      t.match(join_, / --control-plane --certificate-key=[0-9a-f]{64}$/);
      const wrong = join_.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
      await refused(second, `/shared/${wrong}`, /does not open the uploaded certificates/);
      t.strictSame(await members(first), [['control', false]], 'and nothing was announced');
      t.match(await second.sh(`/shared/${join_}`), /Node control-2 of .* is Ready/);
      t.strictSame((await members(second)).sort(), [
        ['control', false],
        ['control-2', false],
      ]);
      t.match(await second.sh('k8ts join'), /^Nothing has changed\.$/m);
      await refused(second, 'k8ts init', /further control machine.*\n.*k8ts join/);
      const list = await kubectl(second, 'get nodes -l node-role.kubernetes.io/control-plane -o name');
      t.equal(list, 'node/control\nnode/control-2\n');
      t.match(await kubectl(second, 'get configmap before -o name'), /before/, 'the same objects');
      t.match(await second.sh('grep server: /etc/k8ts/kubelet.conf'), /https:\/\/127\.0\.0\.1:6444/);
      for (const machine of [first, second]) {
        t.equal(await machine.sh('systemctl list-units --failed --no-legend'), '');
        const { stdout, stderr } = await machine.run(
          'systemd-analyze',
          'verify',
          '/etc/systemd/system/k8ts-etcd.service',
        );
        t.equal(stdout + stderr, '');
      }
    });

    await t.test('the agents of a machine work by the server of the other', async (t) => {
      await second.sh('systemctl stop k8ts-server');
      await kubectl(first, 'create configmap meanwhile');
      await kubectl(first, 'wait --for=condition=Ready --timeout=120s node/control-2');
      const renewed = "get lease -n kube-node-lease control-2 -o jsonpath='{.spec.renewTime}'";
      const before = await kubectl(first, renewed);
      await first.sh(
        `export KUBECONFIG=/etc/k8ts/admin.conf; until [ "$(kubectl ${renewed})" != "${before}" ]; do sleep 0.5; done`,
      );
      await second.sh('systemctl start k8ts-server');
      await second.sh('until KUBECONFIG=/etc/k8ts/admin.conf kubectl get --raw /readyz; do sleep 0.5; done');
      t.match(await kubectl(second, 'get configmap meanwhile -o name'), /meanwhile/);
    });

    await t.test('a reboot', async (t) => {
      await second.reboot();
      await second.sh('until KUBECONFIG=/etc/k8ts/admin.conf kubectl get --raw /readyz; do sleep 0.5; done');
      t.match(await second.sh('k8ts join'), /^Nothing has changed\.$/m);
    });

    await t.test('reset takes the member out of etcd, also one that leads', async (t) => {
      // So its connection to the other is young, for which etcd refuses the removal at first.
      await second.sh('systemctl restart k8ts-etcd');
      await second.sh('until KUBECONFIG=/etc/k8ts/admin.conf kubectl get --raw /readyz; do sleep 0.2; done');
      if ((await leader(first)) !== 'control-2') {
        const next = (await memberList(first)).find(({ name }) => name === 'control-2');
        await askEtcd(first, 'maintenance/transfer-leadership', { targetID: next?.ID });
      }
      t.equal(await leader(first), 'control-2');
      t.match(await second.sh('k8ts reset --yes'), /control leads etcd now\n.*left the cluster of etcd/s);
      t.strictSame(await members(first), [['control', false]]);
      await kubectl(first, 'create configmap after');
      t.match(await first.sh('k8ts reset --yes'), /Left as they are:/);
      t.notOk((await first.run('bash', '-c', 'ls -d /var/lib/k8ts 2>/dev/null || true')).stdout);
    });
  });
});
