// Compares the desired and the observed state of a machine, and plans the steps. After the steps a new plan is empty. No state is
// kept between runs: the next observation shows the work that a crash interrupted. Pure.
import { envFiles, pushConfig, registryConfig } from './arguments';
import type { Desired } from './desired';
import {
  configDir,
  daemonJsonPath,
  envPath,
  type Part,
  partsOf,
  pluginPath,
  programDir,
  pushConfigPath,
  type Role,
  registryConfigPath,
  stateDir,
  sysctlPath,
  target,
  unitDir,
  unitOf,
  users,
  usersOf,
  usersPath,
  versionPath,
  wrapperPath,
} from './layout';
import type { FileState } from './machine-files';
import { enabledUnits, unitFiles } from './units';

export type Step =
  /** Installs this program. */
  | { readonly action: 'install'; readonly from: string; readonly version: string }
  | { readonly action: 'make-directory'; readonly path: string; readonly mode: number }
  | {
      readonly action: 'write';
      readonly path: string;
      readonly text: string;
      readonly mode: number;
      readonly isNew: boolean;
    }
  | { readonly action: 'make-users'; readonly names: readonly string[] }
  | { readonly action: 'apply-sysctls'; readonly path: string }
  | { readonly action: 'enable'; readonly units: readonly string[] }
  | { readonly action: 'reload-units' }
  | { readonly action: 'start-docker' }
  | { readonly action: 'reload-docker' }
  | { readonly action: 'start'; readonly unit: string }
  | { readonly action: 'restart'; readonly unit: string; readonly because: string };

export interface UnitState {
  readonly active: boolean;
  /** Seconds since the epoch at which it became active; undefined when it is not. */
  readonly since: number | undefined;
  /** The file has changed since systemd read it. */
  readonly stale: boolean;
}
export interface Observed {
  /** By path; absent: no such file. mtime in seconds since the epoch. */
  readonly files: ReadonlyMap<string, FileState & { readonly mtime: number }>;
  readonly directories: ReadonlyMap<string, { readonly mode: number }>;
  readonly units: ReadonlyMap<string, UnitState>;
  readonly enabled: ReadonlySet<string>;
  readonly users: ReadonlySet<string>;
  /** VERSION of the installed program. */
  readonly installedVersion: string | undefined;
  /** Kernel settings now. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly docker: { readonly enabled: boolean; readonly active: boolean; readonly settled: boolean };
}
export interface SetupInput {
  readonly desired: Desired;
  /** Whole text of daemon.json. */
  readonly daemonJson: string;
  readonly sysctls: Readonly<Record<string, string>>;
  /** The folder of the running program; undefined when it runs from sources and cannot be copied. */
  readonly program: { readonly dir: string; readonly version: string } | undefined;
  /** False: nothing is started. */
  readonly start: boolean;
}
export interface MachinePlan {
  /** Everything before the start of processes. */
  readonly prepare: readonly Step[];
  /** Starts and restarts, in order, by part. */
  readonly start: readonly { readonly part: Part | 'units'; readonly step: Step }[];
}

const wrapper = `#!/bin/sh\nexec ${programDir}/k8ts "$@"\n`;

/** Every file of k8ts. Docker's daemon.json belongs to the user. */
export function ownFiles(desired: Desired, sysctls: Readonly<Record<string, string>>): ReadonlyMap<string, FileState> {
  const files = new Map<string, FileState>();
  const add = (path: string, text: string, mode = 0o644) => files.set(path, { text, mode });
  for (const [path, text] of unitFiles(desired)) add(path, text);
  for (const [path, text] of envFiles(desired)) add(path, text, 0o600);
  if (partsOf(desired).includes('registry')) {
    add(registryConfigPath, registryConfig(desired));
    add(pushConfigPath, pushConfig());
  }
  add(usersPath, usersText(desired));
  add(sysctlPath, sysctlText(sysctls));
  add(wrapperPath, wrapper, 0o755);
  add(pluginPath, wrapper, 0o755);
  return files;
}

// u NAME - "DESCRIPTION" HOME
function usersText(machine: Role): string {
  const own = Object.entries(users).filter(([, name]) => usersOf(machine).includes(name));
  const lines = own.map(([part, name]) => `u ${name} - "k8ts ${part}" ${stateDir}\n`);
  return `# Written by k8ts: each process that is not root has a user. See sysusers.d(5).\n${lines.join('')}`;
}

function sysctlText(sysctls: Readonly<Record<string, string>>): string {
  const lines = Object.entries(sysctls).map(([name, value]) => `${name} = ${value}\n`);
  return `# Written by k8ts: pods are reached through their gateway, and many programs watch files. Undone by k8ts reset.\n${lines.join('')}`;
}

export function planSteps(input: SetupInput, observed: Observed): MachinePlan {
  const { desired, start } = input;
  const parts = partsOf(desired);
  const prepare: Step[] = [];
  const installs = input.program !== undefined && input.program.version !== observed.installedVersion;
  if (installs) prepare.push({ action: 'install', from: input.program!.dir, version: input.program!.version });
  // The registry reads its configuration as its own user; files with secrets are 0600.
  if (observed.directories.get(configDir)?.mode !== 0o755) {
    prepare.push({ action: 'make-directory', path: configDir, mode: 0o755 });
  }
  const writes = planWrites(input, observed);
  prepare.push(...writes);
  const written = new Set(writes.map((step) => (step.action === 'write' ? step.path : '')));
  const missingUsers = usersOf(desired).filter((name) => !observed.users.has(name));
  if (missingUsers.length > 0) prepare.push({ action: 'make-users', names: missingUsers });
  const enable = enabledUnits(desired).filter((unit) => !observed.enabled.has(unit));
  if (!observed.docker.enabled) enable.push('docker.service');
  if (start) prepare.push(...planSystem(input, observed, written));
  if (enable.length > 0) prepare.push({ action: 'enable', units: enable });
  if (!start) return { prepare, start: [] };
  return {
    prepare,
    start: [
      ...parts.flatMap((part) => {
        const step = planUnit(part, observed, written, installs);
        return step ? [{ part, step }] : [];
      }),
      ...(observed.units.get(target)?.active
        ? []
        : [{ part: 'units' as const, step: { action: 'start' as const, unit: target } }]),
    ],
  };
}

function planWrites({ desired, sysctls, daemonJson }: SetupInput, { files }: Observed): Step[] {
  const desiredFiles = new Map(ownFiles(desired, sysctls));
  // An existing file keeps the mode that the user gave it.
  desiredFiles.set(daemonJsonPath, { text: daemonJson, mode: files.get(daemonJsonPath)?.mode ?? 0o644 });
  return [...desiredFiles].flatMap(([path, { text, mode }]): Step[] => {
    const there = files.get(path);
    return there && there.text === text && there.mode === mode
      ? []
      : [{ action: 'write', path, text, mode, isNew: there === undefined }];
  });
}

/** Reloads of running programs whose files changed. */
function planSystem(input: SetupInput, observed: Observed, written: ReadonlySet<string>): Step[] {
  const steps: Step[] = [];
  const off = Object.entries(input.sysctls).some(([name, value]) => observed.sysctls[name] !== value);
  if (written.has(sysctlPath) || off) steps.push({ action: 'apply-sysctls', path: sysctlPath });
  if (!observed.docker.active) steps.push({ action: 'start-docker' });
  else if (written.has(daemonJsonPath) || !observed.docker.settled) steps.push({ action: 'reload-docker' });
  const unitsChanged = [...written].some((path) => path.startsWith(`${unitDir}/`));
  if (unitsChanged || [...observed.units.values()].some(({ stale }) => stale)) steps.push({ action: 'reload-units' });
  return steps;
}

function planUnit(part: Part, observed: Observed, written: ReadonlySet<string>, installs: boolean): Step | undefined {
  const unit = unitOf(part);
  const state = observed.units.get(unit);
  if (!state?.active) return { action: 'start', unit };
  const inputs = [`${unitDir}/${unit}`, part === 'registry' ? registryConfigPath : envPath(part)];
  const changed = inputs.find((path) => written.has(path) || isNewer(path, state, observed));
  if (changed !== undefined) return { action: 'restart', unit, because: `${changed} has changed` };
  const isOld = installs || isNewer(versionPath, state, observed);
  return isOld ? { action: 'restart', unit, because: 'the program has changed' } : undefined;
}

/** True after a run that was interrupted between a write and a restart. */
function isNewer(path: string, { since }: UnitState, { files }: Observed): boolean {
  const file = files.get(path);
  return file !== undefined && since !== undefined && Math.floor(file.mtime) > since;
}

/** The line that is printed for a step. */
export function describeStep(step: Step): string {
  switch (step.action) {
    case 'install':
      return `installed ${step.version} into ${programDir}`;
    case 'make-directory':
      return `made ${step.path}`;
    case 'write':
      return `${step.isNew ? 'wrote' : 'changed'} ${step.path}`;
    case 'make-users':
      return `made the users ${step.names.join(', ')}`;
    case 'apply-sysctls':
      return `applied the kernel settings of ${step.path}`;
    case 'enable':
      return `enabled ${step.units.join(', ')}`;
    case 'reload-units':
      return 'reloaded the units of systemd';
    case 'start-docker':
      return 'started Docker';
    case 'reload-docker':
      return 'reloaded the settings of Docker; no container was stopped';
    case 'start':
      return `started ${step.unit}`;
    case 'restart':
      return `restarted ${step.unit}: ${step.because}`;
  }
}
