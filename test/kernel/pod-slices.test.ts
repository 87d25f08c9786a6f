// A machine with systemd whose Docker has the cgroup driver systemd: the groups of pods are slices, with the limits of the pods.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makePackage } from '../../hack/packaging/package';
import { skipWithoutMachines, withMachines } from '../lib/machine';

const built = existsSync(join(__dirname, '..', '..', 'dist/k8ts.js'));
if (!built && process.env['REQUIRE_KERNEL'] === '1') throw new Error('dist/k8ts.js is not there: run hack/build.ts');
const skip = built ? skipWithoutMachines() : 'dist/k8ts.js is not there';
t.setTimeout(900_000);

const pod = (image: string) => `
apiVersion: v1
kind: Pod
metadata: {name: limited}
spec:
  terminationGracePeriodSeconds: 1
  tolerations: [{operator: Exists}]
  resources: {requests: {cpu: 250m}, limits: {memory: 64Mi}}
  containers:
  - {name: app, image: ${image}}
`;

t.test('pods are in slices', { skip, timeout: 900_000 }, async (t) => {
  await withMachines(await makePackage(), async (lab) => {
    const machine = await lab.machine('control', '192.168.240.10');
    const settings = '{ "exec-opts": ["native.cgroupdriver=systemd"] }';
    await machine.sh(`mkdir -p /etc/docker; echo '${settings}' > /etc/docker/daemon.json; systemctl restart docker`);
    t.equal((await machine.sh('docker info --format {{.CgroupDriver}}')).trim(), 'systemd');
    await machine.sh('/shared/k8ts init');
    const kubectl = (line: string, input = '') =>
      machine.sh(`${input === '' ? '' : `echo '${input}' | `}KUBECONFIG=/etc/k8ts/admin.conf kubectl ${line}`);
    await kubectl('apply -f -', pod('k8ts/codereviewapi:1.0'));
    await kubectl('wait --for=condition=Ready pod/limited --timeout=120s');
    const uid = (await kubectl('get pod limited -o jsonpath={.metadata.uid}')).trim().replaceAll('-', '_');
    const slice = `kubepods-burstable-pod${uid}.slice`;
    const path = `kubepods.slice/kubepods-burstable.slice/${slice}`;
    const read = async (group: string, v1: string, v2: string) =>
      (
        await machine.sh(
          `cd /sys/fs/cgroup; if [ -e cgroup.controllers ]; then cat ${group}/${v2}; else cat ${v1.split('.')[0]}/${group}/${v1}; fi`,
        )
      ).trim();
    t.equal(await read(path, 'memory.limit_in_bytes', 'memory.max'), String(64 * 2 ** 20));
    t.match(await read(path, 'cpu.shares', 'cpu.weight'), /^(256|35)$/);
    t.match(await read('kubepods.slice/kubepods-besteffort.slice', 'cpu.shares', 'cpu.weight'), /^[12]$/);
    t.not(await read('kubepods.slice', 'memory.limit_in_bytes', 'memory.max'), 'max');
    t.match(await machine.sh(`systemctl status ${slice}`), /docker-[0-9a-f]+\.scope/, 'its containers are in it');
    // systemd gives its own values to all slices again. The kubelet looks every ten seconds.
    await machine.sh('systemctl daemon-reload');
    const limited = async () =>
      (await read(path, 'memory.limit_in_bytes', 'memory.max')) === String(64 * 2 ** 20) ? 'yes' : '';
    for (let tries = 0; tries < 120 && !(await limited()); tries++) await machine.sh('sleep 0.5');
    t.ok(await limited(), 'the limits are back');

    await kubectl('delete pod limited');
    const gone = `! systemctl is-active --quiet ${slice} && [ -z "$(find /sys/fs/cgroup -name ${slice})" ]`;
    await machine.sh(`for i in $(seq 100); do if ${gone}; then exit 0; fi; sleep 0.2; done; exit 1`);
    t.pass('a deleted pod leaves neither a slice nor a group');
  });
});
