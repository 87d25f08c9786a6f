// Programs that are not TypeScript: shellcheck finds nothing in shell scripts, and the Vagrantfile does what its README promises.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CommandFailed } from '../../controlplane/base/errors';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { root } from './sources';

const exec = new SystemExec();

async function outcome(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  try {
    return {
      code: 0,
      text: (await exec.run(argv, { cwd: root, env: { ...process.env, ...env } as Record<string, string> })).stdout,
    };
  } catch (err) {
    if (err instanceof CommandFailed) return { code: err.exitCode ?? -1, text: err.stderr };
    throw err;
  }
}

/** Files whose first line says that they are for bash. */
function bashScripts(): readonly string[] {
  const files = ['hack', '.ci', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  return files
    .filter((path) => statSync(join(root, path)).isFile())
    .filter((path) =>
      /^#.*\b(env bash|bin\/sh|shell=bash)\b/.test(readFileSync(join(root, path), 'utf8').split('\n')[0]!),
    )
    .sort();
}

t.test('shellcheck finds nothing in any script', async (t) => {
  const scripts = bashScripts();
  t.ok(scripts.includes('hack/vm/provision') && scripts.includes('hack/lib/setup.sh'), 'scripts were found');
  const checks = await Promise.all(
    scripts.map((path) =>
      exec.run(['shellcheck', '-x', path], { cwd: root }).then(
        () => undefined,
        (err: unknown) => err,
      ),
    ),
  );
  checks.forEach((err, i) => {
    if (err !== undefined && !(err instanceof CommandFailed)) throw err;
    t.equal(err, undefined, scripts[i]!);
  });
});

interface Recorded {
  readonly set: Readonly<Record<string, unknown>>;
  readonly calls: readonly (readonly [string, readonly unknown[], readonly Recorded[]])[];
  readonly parts: Readonly<Record<string, Recorded>>;
}
async function vagrantfile(env: Record<string, string> = {}): Promise<Recorded> {
  const { code, text } = await outcome(['ruby', 'test/lib/vagrantfile.rb', 'Vagrantfile'], env);
  if (code !== 0) throw new Error(text);
  return (JSON.parse(text) as { config: Recorded }).config;
}
const machines = (config: Recorded) =>
  config.parts['vm']!.calls.filter(([name]) => name === 'define').map(([, [name], [node]]) => ({
    name: name as string,
    node: node!,
  }));
const call = ({ node }: { node: Recorded }, name: string) =>
  node.parts['vm']!.calls.filter(([called]) => called === name);
const provider = (machine: { node: Recorded }, name: string) =>
  call(machine, 'provider')
    .filter(([, [called]]) => called === name)
    .map(([, , blocks]) => blocks);

t.test('the Vagrantfile: one control machine and two workers with fixed addresses', async (t) => {
  const list = machines(await vagrantfile());
  t.strictSame(
    list.map((machine) => [machine.name, (call(machine, 'network')[0]![1][1] as { ip: string }).ip]),
    [
      ['control', '192.168.56.10'],
      ['worker-1', '192.168.56.11'],
      ['worker-2', '192.168.56.12'],
    ],
  );
  for (const machine of list) {
    const [[virtualbox]] = [provider(machine, 'virtualbox')[0]!];
    t.match(virtualbox!.set, { cpus: 2, linked_clone: true });
    t.ok(provider(machine, 'libvirt').length > 0 && provider(machine, 'vmware_desktop').length > 0, 'three providers');
    const [, [name, options]] = call(machine, 'provision')[0]!;
    t.equal(name, 'k8ts');
    t.match(options, { env: { K8TS_NODE_NAME: machine.name, K8TS_CONTROL_IP: '192.168.56.10', K8TS_NODES: '3' } });
  }
});

t.test('the Vagrantfile: settings from the environment', async (t) => {
  const list = machines(
    await vagrantfile({
      K8TS_WORKERS: '4',
      K8TS_MEMORY: '3000',
      K8TS_CPUS: '3',
      K8TS_BOX: 'my/box',
      K8TS_LIBVIRT_DRIVER: 'qemu',
    }),
  );
  t.equal(list.length, 5);
  t.equal((call(list[4]!, 'network')[0]![1][1] as { ip: string }).ip, '192.168.56.14');
  const [libvirt, override] = provider(list[1]!, 'libvirt')[0]!;
  t.match(libvirt!.set, { memory: 3000, cpus: 3, driver: 'qemu', cpu_mode: 'maximum' });
  t.equal(override!.parts['vm']!.set['box'], 'my/box');
});

t.test('the Vagrantfile: three control machines, with the objects in etcd', async (t) => {
  const list = machines(await vagrantfile({ K8TS_CONTROL_PLANES: '3', K8TS_WORKERS: '1' }));
  t.strictSame(
    list.map((machine) => {
      const [, [, options]] = call(machine, 'provision')[0]!;
      const { env, inline } = options as { env: Record<string, string>; inline: string };
      const { ip } = call(machine, 'network')[0]![1][1] as { ip: string };
      return [machine.name, ip, inline.split(' ').at(-1), env['K8TS_STORE'], env['K8TS_NODES']];
    }),
    [
      ['control', '192.168.56.10', 'control', 'etcd', '4'],
      ['control-2', '192.168.56.8', 'control-plane', 'etcd', '4'],
      ['control-3', '192.168.56.9', 'control-plane', 'etcd', '4'],
      ['worker-1', '192.168.56.11', 'worker', 'etcd', '4'],
    ],
  );
});

t.test('the Vagrantfile: an invalid setting is named', async (t) => {
  for (const [name, value, wants] of [
    ['K8TS_WORKERS', 'many', 'expected a number from 0 to 20'],
    ['K8TS_MEMORY', '128', 'expected a number from 512 to 65536'],
    ['K8TS_CONTROL_PLANES', '2', 'expected one of 1, 3'],
    ['K8TS_STORE', 'memory', 'expected one of sqlite, etcd'],
    ['K8TS_BUILD', 'cloud', 'expected one of auto, host, control'],
  ] as const) {
    const { code, text } = await outcome(['ruby', 'test/lib/vagrantfile.rb', 'Vagrantfile'], { [name]: value });
    t.not(code, 0);
    t.match(text, `k8ts: ${name}=${value}: ${wants}`);
  }
});

t.test(
  'vagrant validate finds no mistake in the Vagrantfile',
  { skip: !hasVagrant() && 'vagrant is not installed' },
  async (t) => {
    const { code, text } = await outcome(['vagrant', 'validate', '--ignore-provider'], { VAGRANT_HOME: t.testdir() });
    t.equal(code, 0, text);
  },
);

function hasVagrant(): boolean {
  return (process.env['PATH'] ?? '').split(':').some((dir) => existsSync(join(dir, 'vagrant')));
}

t.test('the lines of k8ts in a hosts file', async (t) => {
  const program = `
    require "./hack/vm/host"
    text = STDIN.read
    with = K8ts::HostsFile.with(text, "192.168.56.10 codereview.local")
    puts with
    exit 1 unless K8ts::HostsFile.with(with, "192.168.56.10 codereview.local") == with
    exit 2 unless K8ts::HostsFile.without(with) == text`;
  const text = '127.0.0.1 localhost\n::1 ip6\n';
  const { stdout } = await exec.run(['ruby', '-e', program], { cwd: root, input: text });
  t.equal(
    stdout,
    `${text}# BEGIN k8ts-vagrant (made by vagrant up, removed by vagrant destroy)\n192.168.56.10 codereview.local\n# END k8ts-vagrant\n`,
  );
});
