// Access to the Vagrantfile's machines: vagrant, kubectl with the kubeconfig that a trigger fetched, commands in machines.
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../controlplane/base/errors';
import { startProgram } from '../../dataplane/exec/system-exec';
import { output, root, run, until } from '../e2e/cluster';

export const kubeconfig = join(root, '.k8ts/vagrant.conf');
export const boxName = 'k8ts-debian12';
export const nodes = [
  { name: 'control', ip: '192.168.56.10' },
  { name: 'worker-1', ip: '192.168.56.11' },
  { name: 'worker-2', ip: '192.168.56.12' },
] as const;
export const nodeNames: readonly string[] = nodes.map(({ name }) => name);

const logDir = join(root, '.k8ts/test/vagrant');
/** One processor each and little memory: three machines must fit into a small host and boot at the same time. */
const settings = {
  K8TS_BOX: boxName,
  K8TS_CPUS: '1',
  K8TS_MEMORY: '1024',
  K8TS_CONTROL_MEMORY: '1536',
  K8TS_BOOT_TIMEOUT: '1800',
  K8TS_PATIENCE: '3600',
  K8TS_HOSTS: 'yes',
  VAGRANT_DEFAULT_PROVIDER: 'libvirt',
  NO_COLOR: '1',
};
/** Emulated machines are slow: a machine without an answer after this time hangs. */
export const patienceMs = 30 * 60_000;
const vagrantTimeoutMs = 90 * 60_000;
/** The lines of a log that a failed command shows. */
const shownLines = 40;

/**
 * Runs vagrant with its output in a log file, which a user can follow.
 * @throws AppError with the last lines of the output
 */
export async function vagrant(...args: readonly string[]): Promise<string> {
  mkdirSync(logDir, { recursive: true });
  const log = join(logDir, `${args.filter((arg) => /^[a-z0-9-]+$/.test(arg)).join('-')}.log`);
  const file = openSync(log, 'w');
  try {
    const env = { ...(process.env as Record<string, string>), ...settings };
    const daemon = await startProgram(['vagrant', ...args], { cwd: root, env, stdio: ['ignore', file, file] });
    const limit = setTimeout(() => daemon.kill('SIGTERM'), vagrantTimeoutMs);
    const code = await daemon.exited;
    clearTimeout(limit);
    const lines = readFileSync(log, 'utf8').split(/[\r\n]+/);
    if (code === 0) return lines.join('\n');
    throw new AppError('Internal', `vagrant ${args.join(' ')}: ${code}\n${lines.slice(-shownLines).join('\n')}`);
  } finally {
    closeSync(file);
  }
}

/** Runs a shell command as root in a machine. @throws CommandFailed */
export const inMachine = (name: string, command: string): Promise<string> =>
  output(['vagrant', 'ssh', name, '-c', `sudo bash -c ${quote(command)}`], {
    cwd: root,
    env: settings,
    timeoutMs: patienceMs,
  });

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** kubectl waits ten seconds for a connection; while several machines boot, the server may need longer. */
const tooSlow = /handshake timeout|i\/o timeout|deadline exceeded|connection refused|no route to host|unexpected EOF/i;

/** @throws AppError with kubectl's messages */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const outcome = await until(
    `kubectl ${args.join(' ')} reaches the server`,
    async () => {
      const found = await run(['kubectl', '--kubeconfig', kubeconfig, '--request-timeout=60s', ...args], {
        timeoutMs: patienceMs,
      });
      return (found.code === 0 || !tooSlow.test(found.stderr)) && found;
    },
    patienceMs,
  );
  if (outcome.code !== 0) throw new AppError('Internal', `kubectl ${args.join(' ')}: ${outcome.stderr}`);
  return outcome.stdout;
}

export async function kubectlJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

/** Runs a command in the demo's toolbox pod. */
export const toolbox = (...argv: readonly string[]): Promise<string> =>
  kubectl('-n', 'codereview', 'exec', 'toolbox', '--', ...argv);

export async function curl(url: string): Promise<string | undefined> {
  const { code, stdout } = await run(['curl', '-sS', '--fail', '--max-time', '30', '--noproxy', '*', url]);
  return code === 0 ? stdout : undefined;
}
