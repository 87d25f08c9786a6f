import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { type Desired, defaults } from './desired';
import { noDockerChanges } from './docker-config';
import { observeState, parseUnits, runStep } from './executor';
import { MachineFiles } from './machine-files';
import { readRecord, type SetupRecord, writeRecord } from './record';
import { planSteps, type SetupInput } from './steps';

const desired: Desired = {
  role: 'worker',
  nodeName: 'worker-1',
  nodeIp: '192.168.56.11',
  server: 'https://192.168.56.10:6443',
  cluster: { ...defaults, registry: '192.168.56.10:5000' },
  loadBalancerPool: '',
  nodeLabels: '',
  resolvConf: '/etc/resolv.conf',
};

function setup(t: Test): { files: MachineFiles; from: string } {
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-setup-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const from = join(dir, 'package');
  for (const folder of ['bin', 'images/blobs', 'node_modules/koffi'])
    mkdirSync(join(from, folder), { recursive: true });
  writeFileSync(join(from, 'VERSION'), '1 abc\n');
  writeFileSync(join(from, 'bin/node'), 'node', { mode: 0o755 });
  writeFileSync(join(from, 'images/blobs/x'), 'large');
  writeFileSync(join(from, 'node_modules/koffi/index.js'), 'koffi');
  return { files: new MachineFiles(join(dir, 'root')), from };
}

t.test('a machine without a running systemd gets every file, and observe() finds them', async (t) => {
  const { files, from } = setup(t);
  const input: SetupInput = {
    desired,
    daemonJson: '{\n  "live-restore": true\n}\n',
    sysctls: {},
    program: { dir: from, version: '1 abc' },
    start: false,
  };
  const observe = async () => {
    const exec = new ScriptedExec([{ argv: 'systemctl is-enabled docker.service', stdout: 'enabled\n' }]);
    return observeState(input, { exec, files, running: false, engine: undefined });
  };
  const { prepare, start } = planSteps(input, await observe());
  t.strictSame(start, []);
  for (const step of prepare) {
    const exec = new ScriptedExec([
      { argv: /^(chmod 755|systemctl enable --quiet k8ts\.target|systemd-sysusers k8ts\.conf$)/ },
    ]);
    await runStep(step, { exec, files });
    // What the scripted programs would do.
    if (step.action === 'make-users') {
      await files.write('/etc/passwd', {
        text: step.names.map((name) => `${name}:x:999:999::/:\n`).join(''),
        mode: 0o644,
      });
    }
    if (step.action !== 'enable') continue;
    for (const unit of step.units) {
      const wants = unit === 'k8ts.target' ? 'multi-user.target.wants' : 'k8ts.target.wants';
      await files.write(`/etc/systemd/system/${wants}/${unit}`, { text: '', mode: 0o644 });
    }
  }
  mkdirSync(files.path('/etc/k8ts'), { recursive: true, mode: 0o755 });
  t.strictSame(planSteps(input, await observe()).prepare, []);
  t.equal(readFileSync(files.path('/usr/local/lib/k8ts/node_modules/koffi/index.js'), 'utf8'), 'koffi');
  t.equal(statSync(files.path('/usr/local/lib/k8ts/bin/node')).mode & 0o777, 0o755);
  t.notOk(await files.exists('/usr/local/lib/k8ts/images'), 'images go to the registry');
  t.equal(statSync(files.path('/etc/k8ts/kubelet.env')).mode & 0o777, 0o600);
  t.equal(statSync(files.path('/usr/local/bin/k8ts')).mode & 0o777, 0o755);
});

t.test('a new program replaces the old one completely', async (t) => {
  const { files, from } = setup(t);
  const exec = new ScriptedExec();
  await files.write('/usr/local/lib/k8ts/stale.js', { text: 'old', mode: 0o644 });
  await runStep({ action: 'install', from, version: '1 abc' }, { exec, files });
  t.notOk(await files.exists('/usr/local/lib/k8ts/stale.js'));
  t.notOk(await files.exists('/usr/local/lib/k8ts.old'));
  t.equal((await files.read('/usr/local/lib/k8ts/VERSION'))?.text, '1 abc\n');
});

t.test('states of units', async (t) => {
  const text = `Id=k8ts-dns.service
ActiveState=active
ActiveEnterTimestamp=@1780000000
NeedDaemonReload=yes

Id=k8ts-ingress.service
ActiveState=inactive
ActiveEnterTimestamp=
NeedDaemonReload=no
`;
  t.strictSame(
    [...parseUnits(text)],
    [
      ['k8ts-dns.service', { active: true, since: 1780000000, stale: true }],
      ['k8ts-ingress.service', { active: false, since: undefined, stale: false }],
    ],
  );
});

t.test("the record is read as it was written, and another version's is refused", async (t) => {
  const { files } = setup(t);
  t.equal(await readRecord(files), undefined);
  const record: SetupRecord = {
    version: 1,
    desired,
    caHash: 'sha256:00',
    docker: noDockerChanges,
    sysctls: { 'net.ipv4.ip_forward': '0' },
    enabled: [],
    installed: true,
  };
  await writeRecord(files, record);
  t.same(await readRecord(files), record);
  const { desired: wishes, ...rest } = record;
  await files.write('/var/lib/k8ts/setup.json', { text: JSON.stringify({ ...rest, wishes }), mode: 0o600 });
  t.same(await readRecord(files), record, 'as an earlier version wrote it');
  await files.write('/var/lib/k8ts/setup.json', { text: '{"version":9}', mode: 0o600 });
  await t.rejects(readRecord(files), { code: 'BadRequest' });
});
