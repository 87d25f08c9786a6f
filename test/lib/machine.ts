// Machines for tests: systemd as process 1 of its own namespaces, on an unpacked Debian, with Docker and a link to the
// other machines. A machine boots in seconds and keeps its files over a reboot. Needs root; debootstrap fetches Debian once.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '../../controlplane/base/scope';
import { type Daemon, SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { createNetns, type TestNetns } from './netns';

const exec = new SystemExec();
const packages =
  'systemd,systemd-sysv,systemd-resolved,dbus,udev,iproute2,iptables,nftables,conntrack,kmod,procps,docker.io,ca-certificates,' +
  'kubernetes-client,curl,iputils-ping,openssh-server,sudo,rsync';
/** debootstrap unpacks Debian here; machines only read it. Another list of packages gets another folder. */
export const machineRoot = `/var/cache/k8ts/rootfs-bookworm-${createHash('sha256').update(packages).digest('hex').slice(0, 8)}`;
const bootTimeoutMs = 180_000;
const commandTimeoutMs = 900_000;

/** The reason to skip, for tap's `skip` option, or false. With REQUIRE_KERNEL=1 there is no reason. */
export function skipWithoutMachines(): string | false {
  const reason =
    process.getuid?.() !== 0
      ? 'needs root'
      : !existsSync(machineRoot) && !existsSync('/usr/sbin/debootstrap')
        ? `needs ${machineRoot} or debootstrap`
        : false;
  if (reason && process.env['REQUIRE_KERNEL'] === '1') throw new Error(`tests of machines: ${reason}`);
  return reason;
}

async function ensureRoot(): Promise<void> {
  if (existsSync(machineRoot)) return;
  const fresh = `${machineRoot}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await exec.run(['debootstrap', '--variant=minbase', `--include=${packages}`, 'bookworm', fresh], {
    timeoutMs: commandTimeoutMs,
  });
  await rename(fresh, machineRoot);
}

export interface MachineRun {
  readonly stdout: string;
  readonly stderr: string;
}
export interface TestMachine {
  readonly name: string;
  readonly ip: string;
  /** Runs argv inside, as root at the console would. @throws CommandFailed */
  run(...argv: string[]): Promise<MachineRun>;
  /** A shell line inside; returns standard output. */
  sh(line: string): Promise<string>;
  /** Stops the machine and boots it again; its files stay. */
  reboot(): Promise<void>;
}

export interface Lab {
  /** Boots a machine with the address `ip` of 192.168.240.0/24. */
  machine(name: string, ip: string): Promise<TestMachine>;
}

/** Runs `fn` with machines on one link; each has `shared` mounted at /shared. Always removes everything at the end. */
export async function withMachines<T>(shared: string, fn: (lab: Lab) => Promise<T>): Promise<T> {
  const scope = new Scope();
  try {
    await ensureRoot();
    const network = await createNetns();
    scope.defer(() => network.teardown());
    await network.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
    await network.run('ip', 'addr', 'add', '192.168.240.1/24', 'dev', 'br0');
    await network.run('ip', 'link', 'set', 'br0', 'up');
    const dir = mkdtempSync(join(tmpdir(), 'k8ts-machines-'));
    scope.defer(() => rmSync(dir, { recursive: true, force: true }));
    return await fn({
      machine: async (name, ip) => {
        const machine = new NamespaceMachine(name, ip, join(dir, name), network, shared);
        scope.defer(() => machine.stop());
        await machine.start();
        return machine;
      },
    });
  } finally {
    await scope.close();
  }
}

class NamespaceMachine implements TestMachine {
  private daemon: Daemon | undefined;
  private pid = 0;
  private readonly group: string;
  /** The link's other end, on the bridge. */
  private readonly port: string;

  constructor(
    readonly name: string,
    readonly ip: string,
    private readonly dir: string,
    private readonly network: TestNetns,
    private readonly shared: string,
  ) {
    this.group = `k8ts-machine-${process.pid}-${name}`;
    this.port = `v-${name}`.slice(0, 15);
  }

  async start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true });
    // The shell first moves into cgroups of its own: they become the root of the machine's cgroups.
    const enter = groupTops().map((top) => `echo $$ > ${makeGroup(top, this.group)}/cgroup.procs`);
    const unshare = 'exec unshare --mount --pid --uts --ipc --net --cgroup --fork --propagation private "$@"';
    const boot = [
      join(__dirname, 'boot-machine.sh'),
      machineRoot,
      this.dir,
      `${this.ip}/24`,
      '192.168.240.1',
      this.shared,
    ];
    let output = '';
    this.daemon = await startProgram(['bash', '-ec', [...enter, unshare].join('\n'), 'boot', ...boot], {
      detached: true,
      onOutput: (chunk) => {
        output += chunk.toString();
      },
    });
    this.pid = await until(
      `${this.name} has a first process`,
      async () => childOf(this.daemon!.pid),
      () => output,
    );
    await this.connect();
    await until(
      `${this.name} has booted`,
      () => this.hasBooted(),
      () => output,
    );
  }

  /** systemd's state is "starting" until every unit of the boot has started or failed. */
  private async hasBooted(): Promise<true | undefined> {
    const argv = ['nsenter', '-t', String(this.pid), '-a', 'systemctl', 'show', '--property=SystemState', '--value'];
    const state = await exec.run(argv).then(
      ({ stdout }) => stdout.trim(),
      // Process 1 does not answer yet.
      () => '',
    );
    if (state === 'degraded') throw new Error(`${this.name}: ${await this.sh('systemctl --failed --no-legend')}`);
    return state === 'running' || undefined;
  }

  private async connect(): Promise<void> {
    await exec.run([
      'ip',
      '-n',
      this.network.name,
      'link',
      'add',
      this.port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      String(this.pid),
    ]);
    await this.network.run('ip', 'link', 'set', this.port, 'master', 'br0', 'up');
  }

  run(...argv: string[]): Promise<MachineRun> {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return exec.run(['nsenter', '-t', String(this.pid), '-a', 'env', '-i', path, 'HOME=/root', ...argv], {
      timeoutMs: commandTimeoutMs,
    });
  }

  async sh(line: string): Promise<string> {
    return (await this.run('bash', '-ec', line)).stdout;
  }

  async reboot(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    if (!this.daemon) return;
    // systemd stops the units in order, as at a real shutdown.
    const kill = () => process.kill(this.pid, 'SIGKILL');
    // systemctl also fails if systemd is already stopping; a machine killed at that moment would lose its containers.
    await this.run('systemctl', 'exit', '--no-block').catch(() => undefined);
    const forced = setTimeout(kill, bootTimeoutMs);
    await this.daemon.exited;
    clearTimeout(forced);
    this.daemon = undefined;
    // The kernel removes the link with the namespace of its other end, but only after a while.
    await this.network.run('ip', 'link', 'del', this.port).catch(() => undefined);
    for (const top of groupTops()) removeGroups(join(top, this.group));
  }
}

/** Polls until there is a value: the start of a process 1 raises no event. */
async function until<T>(what: string, probe: () => Promise<T | undefined>, output: () => string): Promise<T> {
  const deadline = Date.now() + bootTimeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}: ${output()}`);
    await sleep(100);
  }
}

/** The cgroup hierarchy of version 2, or all hierarchies of version 1. */
function groupTops(): readonly string[] {
  const root = '/sys/fs/cgroup';
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isDirectory());
}

function makeGroup(top: string, name: string): string {
  const path = join(top, name);
  mkdirSync(path, { recursive: true });
  // A new cpuset group has no CPUs and no memory nodes, so it accepts no process.
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (existsSync(join(top, 'cpuset.effective_cpus')) && existsSync(join(path, file))) {
      writeFileSync(join(path, file), readFileSync(join(top, file)));
    }
  }
  return path;
}

function removeGroups(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(path, entry.name));
  }
  rmdirSync(path);
}

/** unshare --fork waits for its one child, which is process 1 of the machine. */
function childOf(pid: number): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  const first = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ')[0] : '';
  return first ? Number(first) : undefined;
}
