// A run of init, join or reset on this machine, which prints each step; and the part that init and join share: from the desired
// state to processes that can start.
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../controlplane/base/errors';
import type { Exec } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import type { Desired } from './desired';
import { mergeDaemonJson } from './docker-config';
import { Engine } from './docker-engine';
import { isEnabled, observeState, readSysctls, readUnits, runStep } from './executor';
import { controlParts, dockerSocket, type Part, partsOf, programDir, unitOf } from './layout';
import { MachineFiles } from './machine-files';
import { type Machine, ownPackage } from './observe';
import { checkPorts, checkRanges } from './preflight';
import { type SetupRecord, writeRecord } from './record';
import { Refused } from './refused';
import { describeStep, type MachinePlan, planSteps, type Step } from './steps';

export interface Session {
  readonly exec: Exec;
  readonly files: MachineFiles;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** Prints a line. */
  readonly say: (line: string) => void;
}

/** On this machine, printed to standard output. */
export const openSession = (signal: AbortSignal): Session => ({
  exec: new SystemExec(),
  files: new MachineFiles(),
  engine: new Engine(dockerSocket),
  signal,
  say: (line) => void process.stdout.write(`${line}\n`),
});

/** A process may take this long to answer on a slow machine. */
export const readyTimeoutMs = 600_000;
const pollMs = 500;

/** The kubelet sets it as well, but a program that reads /etc/sysctl.d again would undo that. */
const fixedSysctls = { 'net.ipv4.conf.all.send_redirects': '0' } as const;
/**
 * The kubelet switches it on, and a reset restores it. It is not written to a file for the next boot: when Docker finds forwarding off, it
 * switches it on and lets FORWARD drop unknown packets. When forwarding is on already, Docker leaves its containers open to every machine
 * that routes packets to them.
 */
const byKubelet = 'net.ipv4.ip_forward';
/** Raised where they are lower: many pods watch files, and all of them count as root. */
const raisedSysctls = { 'fs.inotify.max_user_instances': 1024, 'fs.inotify.max_user_watches': 524_288 } as const;
export const sysctlNames = [byKubelet, ...Object.keys(fixedSysctls), ...Object.keys(raisedSysctls)];

/** `before`: the values before the set-up. */
export function desiredSysctls(before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const raised = Object.entries(raisedSysctls).filter(([name, value]) => Number(before[name] ?? 0) < value);
  return { ...fixedSysctls, ...Object.fromEntries(raised.map(([name, value]) => [name, String(value)])) };
}

export interface Prepared {
  readonly plan: MachinePlan;
  readonly record: SetupRecord;
  /** Whether a step was run or the record changed. */
  readonly changed: boolean;
}

/**
 * Does everything before credentials and starts. It first records its planned changes, so that `k8ts reset` can undo a run that
 * was interrupted. @throws Refused before anything is written
 */
export async function prepareMachine(
  session: Session,
  input: {
    readonly machine: Machine;
    readonly desired: Desired;
    readonly before: SetupRecord | undefined;
    readonly start: boolean;
    readonly caHash: string;
  },
): Promise<Prepared> {
  const { exec, files } = session;
  const { machine, desired, before, start, caHash } = input;
  const running = machine.facts.systemd === 'running';
  if (!before) checkRanges(machine.facts, desired);
  if (start) checkPorts(machine.facts, desired, await runningParts(exec, desired));
  const docker = mergeDaemonJson(machine.docker, desired.cluster, before?.docker);
  const sysctlsBefore = before?.sysctls ?? (await readSysctls(sysctlNames));
  const sysctls = desiredSysctls(sysctlsBefore);
  const program = await ownPackage();
  const observed = await observeState({ desired, sysctls }, { exec, files, running, engine: machine.engine });
  if (program === undefined && observed.installedVersion === undefined) {
    throw new Refused(
      'this program runs from sources and cannot be installed.',
      'Create an installable folder with hack/package, and run DIR/k8ts init or DIR/k8ts join from it.',
    );
  }
  const elsewhere = program && program.dir !== files.path(programDir) ? program : undefined;
  const plan = planSteps({ desired, daemonJson: docker.text, sysctls, program: elsewhere, start }, observed);
  const record: SetupRecord = {
    version: 1,
    desired,
    caHash,
    docker: docker.changes,
    sysctls: sysctlsBefore,
    enabled: before?.enabled ?? ((await isEnabled(exec, 'docker.service')) ? [] : ['docker.service']),
    installed: before?.installed || plan.prepare.some(({ action }) => action === 'install'),
  };
  const recorded = JSON.stringify(record) !== JSON.stringify(before);
  if (recorded) await writeRecord(files, record);
  for (const step of plan.prepare) await doStep(session, step);
  return { plan, record, changed: recorded || plan.prepare.length > 0 || plan.start.length > 0 };
}

async function runningParts(exec: Exec, desired: Desired): Promise<readonly Part[]> {
  const units = await readUnits(exec, partsOf(desired).map(unitOf));
  return partsOf(desired).filter((part) => units.get(unitOf(part))?.active);
}

/** Parts of the control machine that other parts need. */
export const startControl = (session: Session, plan: MachinePlan): Promise<void> =>
  startParts(session, plan, (part) => (controlParts as readonly string[]).includes(part));
export const startAgents = (session: Session, plan: MachinePlan): Promise<void> =>
  startParts(session, plan, (part) => !(controlParts as readonly string[]).includes(part));

async function startParts(session: Session, plan: MachinePlan, which: (part: string) => boolean): Promise<void> {
  for (const { part, step } of plan.start) if (which(part)) await doStep(session, step);
}

async function doStep(session: Session, step: Step): Promise<void> {
  session.signal.throwIfAborted();
  await runStep(step, session);
  session.say(describeStep(step));
}

/** Polls until `problem` returns undefined. @throws Unavailable with the last problem when it takes too long */
export async function waitUntil(
  session: Session,
  what: string,
  where: string,
  problem: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    session.signal.throwIfAborted();
    const last = await problem();
    if (last === undefined) return;
    if (Date.now() > deadline) {
      throw new Unavailable(
        `waited ${readyTimeoutMs / 60_000} minutes until ${what}: ${last}\n  See: journalctl -u ${where}`,
      );
    }
    await sleep(pollMs);
  }
}
