// Runs the steps of a plan, and observes the machine for the next plan. steps.ts decides what to do.
import { cp, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Unavailable } from '../../controlplane/base/errors';
import type { Exec } from '../../dataplane/exec/exec';
import type { EngineInfo } from './docker-engine';
import {
  configDir,
  daemonJsonPath,
  kubeconfigPath,
  partsOf,
  programDir,
  target,
  unitDir,
  unitOf,
  users,
  versionPath,
} from './layout';
import type { MachineFiles } from './machine-files';
import { type Observed, ownFiles, type SetupInput, type Step, type UnitState } from './steps';
import { enabledUnits } from './units';

/** systemd may take a while on a slow machine, above all for the first start of Docker. */
const systemctlTimeoutMs = 180_000;

export interface ExecutorDeps {
  readonly exec: Exec;
  readonly files: MachineFiles;
}

export async function runStep(step: Step, { exec, files }: ExecutorDeps): Promise<void> {
  const systemctl = (...argv: string[]) => exec.run(['systemctl', ...argv], { timeoutMs: systemctlTimeoutMs });
  switch (step.action) {
    case 'install':
      return installProgram(step.from, files);
    case 'make-directory':
      await mkdir(files.path(step.path), { recursive: true });
      await exec.run(['chmod', step.mode.toString(8), files.path(step.path)]);
      return;
    case 'write':
      return files.write(step.path, { text: step.text, mode: step.mode });
    case 'make-users':
      await exec.run(['systemd-sysusers', 'k8ts.conf']);
      return;
    case 'apply-sysctls':
      await exec.run(['sysctl', '-q', '-p', files.path(step.path)]);
      return;
    case 'enable':
      await systemctl('enable', '--quiet', ...step.units);
      return;
    case 'reload-units':
      await systemctl('daemon-reload');
      return;
    case 'start-docker':
      await systemctl('start', 'docker.service');
      return;
    case 'reload-docker':
      await systemctl('reload', 'docker.service');
      return;
    case 'start':
      await systemctl('start', step.unit);
      return;
    case 'restart':
      await systemctl('restart', step.unit);
      return;
  }
}

/** Writes the new program next to the old one and then renames it: running processes keep their open files. */
async function installProgram(from: string, files: MachineFiles): Promise<void> {
  const target = files.path(programDir);
  const [fresh, old] = [`${target}.new`, `${target}.old`];
  await rm(fresh, { recursive: true, force: true });
  // The images go to the registry, not to every machine's disk.
  const isCopied = (path: string) => !(basename(path) === 'images' && path === join(from, 'images'));
  await cp(from, fresh, { recursive: true, filter: isCopied, dereference: true });
  await rm(old, { recursive: true, force: true });
  await rename(target, old).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOENT') throw err;
  });
  await rename(fresh, target);
  await rm(old, { recursive: true, force: true });
}

/** The observed state for planSteps. Without a running systemd no unit is active. */
export async function observeState(
  input: Pick<SetupInput, 'desired' | 'sysctls'>,
  deps: ExecutorDeps & { readonly running: boolean; readonly engine: EngineInfo | undefined },
): Promise<Observed> {
  const { files, running, engine } = deps;
  const { desired, sysctls } = input;
  const paths = [...ownFiles(desired, sysctls).keys(), daemonJsonPath, versionPath];
  const found = await Promise.all(paths.map(async (path) => [path, await readWithTime(files, path)] as const));
  const units = [...partsOf(desired).map(unitOf), target];
  const mirror = `http://${desired.cluster.registry}`;
  return {
    files: new Map(found.flatMap(([path, file]) => (file ? [[path, file] as const] : []))),
    directories: await readDirectories(files, [configDir]),
    units: running ? await readUnits(deps.exec, units) : new Map(),
    enabled: await readEnabled(files, enabledUnits(desired)),
    users: await readUsers(files),
    installedVersion: (await files.read(versionPath))?.text.trim(),
    sysctls: await readSysctls(Object.keys(sysctls)),
    docker: {
      enabled: await isEnabled(deps.exec, 'docker.service'),
      active: engine !== undefined,
      settled: engine?.liveRestore === true && (desired.cluster.registry === '' || engine.mirrors.includes(mirror)),
    },
  };
}

async function readWithTime(files: MachineFiles, path: string) {
  const file = await files.read(path);
  return file && { ...file, mtime: (await lstat(files.path(path))).mtimeMs / 1000 };
}

async function readDirectories(files: MachineFiles, paths: readonly string[]): Promise<Map<string, { mode: number }>> {
  const found = new Map<string, { mode: number }>();
  for (const path of paths) {
    const stats = await lstat(files.path(path)).catch(() => undefined);
    if (stats?.isDirectory()) found.set(path, { mode: stats.mode & 0o7777 });
  }
  return found;
}

const properties = ['Id', 'ActiveState', 'ActiveEnterTimestamp', 'NeedDaemonReload'];

export async function readUnits(exec: Exec, units: readonly string[]): Promise<Map<string, UnitState>> {
  const argv = ['systemctl', 'show', '--timestamp=unix', `--property=${properties.join(',')}`, ...units];
  const { stdout } = await exec.run(argv);
  return parseUnits(stdout);
}

/** Blocks of NAME=VALUE lines with an empty line between them, one block for each requested unit. */
export function parseUnits(text: string): Map<string, UnitState> {
  return new Map(
    text
      .split(/\n\n+/)
      .filter((block) => block.trim() !== '')
      .map((block) => {
        const fields = Object.fromEntries(
          block
            .trim()
            .split('\n')
            .map((line) => line.split(/=(.*)/s).slice(0, 2)),
        );
        const active = ['active', 'activating', 'reloading'].includes(fields['ActiveState']);
        const since = Number(/^@(\d+)/.exec(fields['ActiveEnterTimestamp'] ?? '')?.[1] ?? Number.NaN);
        return [
          fields['Id'],
          {
            active,
            since: active && !Number.isNaN(since) ? since : undefined,
            stale: fields['NeedDaemonReload'] === 'yes',
          },
        ] as const;
      }),
  );
}

/** By the links that `systemctl enable` makes: the same with and without a running systemd. */
async function readEnabled(files: MachineFiles, units: readonly string[]): Promise<Set<string>> {
  const enabled = new Set<string>();
  for (const unit of units) {
    const wants = unit === target ? 'multi-user.target.wants' : `${target}.wants`;
    if (await files.exists(`${unitDir}/${wants}/${unit}`)) enabled.add(unit);
  }
  return enabled;
}

export async function isEnabled(exec: Exec, unit: string): Promise<boolean> {
  const { stdout } = await exec.run(['systemctl', 'is-enabled', unit]).catch(() => ({ stdout: '' }));
  return stdout.trim() === 'enabled';
}

async function readUsers(files: MachineFiles): Promise<Set<string>> {
  const passwd = (await files.read('/etc/passwd'))?.text ?? '';
  const names = passwd.split('\n').map((line) => line.split(':')[0]!);
  return new Set(Object.values(users).filter((name) => names.includes(name)));
}

const sysctlFile = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

export async function readSysctls(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const values = await Promise.all(
    names.map(async (name) => [name, (await readFile(sysctlFile(name), 'utf8').catch(() => '')).trim()] as const),
  );
  return Object.fromEntries(values.filter(([, value]) => value !== ''));
}

/** Gives `path` and what is below to a user of ours. @throws Unavailable when there is no such user */
export async function giveTo(exec: Exec, path: string, user: string): Promise<void> {
  try {
    await exec.run(['chown', '-R', `${user}:`, path]);
  } catch (cause) {
    throw new Unavailable(`cannot give ${path} to ${user}`, { cause });
  }
}

/** Only dns and ingress may read their own credentials. The kubelet keeps the owner when it renews them. */
export async function giveKubeconfigs(exec: Exec): Promise<void> {
  for (const agent of ['dns', 'ingress'] as const) await giveTo(exec, kubeconfigPath(agent), users[agent]);
}
