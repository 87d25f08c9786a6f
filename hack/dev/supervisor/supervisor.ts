// Keeps a set of processes running: starts them, starts them again when they end, kills silent ones, adopts those that
// outlived an earlier supervisor, stops them in reverse order. Knows nothing of clusters.
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Backoff } from '../../../controlplane/base/backoff';
import { type Clock, systemClock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { startProgram } from '../../../dataplane/exec/system-exec';
import { Liveness } from './liveness';
import { isSameProcess, startTicks } from './proc';
import { notifySocket, type PidRecord, type ProcessSpec, type ProcessStatus, pidFile, specsFile } from './spec';

/** A process that ran this long has started well: its next end counts as the first. */
const settledMs = 10_000;
/** After its first end a process starts again at once; after each further early end it waits longer. */
const backoff = { initialMs: 100, maxMs: 5_000 };
/** An adopted process is not a child: no event reports its end, so the supervisor polls. */
const adoptedPollMs = 200;
const defaultStopTimeoutMs = 10_000;
const killPollMs = 50;
/** The time for a blocked process to print its stack: a call into the engine (JSON.parse, a regular expression) must end first. */
const stackMs = 10_000;

interface Entry {
  spec: ProcessSpec;
  state: ProcessStatus['state'];
  record?: PidRecord;
  restarts: number;
  hangs: number;
  lastExit?: string;
  /** Why the supervisor kills it. */
  hung?: string;
  cancelTimer?: () => void;
  /** Resolves when the process has ended. */
  ended?: Promise<void>;
}

export class Supervisor {
  private readonly entries = new Map<string, Entry>();
  private readonly failures = new Backoff<string>(backoff);
  private readonly liveness: Liveness;

  constructor(
    private readonly runDir: string,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {
    this.liveness = new Liveness({ clock, onSilent: (name, silentMs) => this.onSilent(name, silentMs) });
  }

  /** Runs the processes of the last supervisor, adopting those that still run. */
  async restore(): Promise<void> {
    const text = readOptional(specsFile(this.runDir));
    if (text !== undefined) await this.apply(JSON.parse(text) as ProcessSpec[]);
  }

  /** Adds these processes; a known process whose command line has changed is stopped and started again. Others stay. */
  async apply(specs: readonly ProcessSpec[]): Promise<void> {
    for (const spec of specs) {
      const known = this.entries.get(spec.name);
      if (known && JSON.stringify(known.spec) === JSON.stringify(spec)) continue;
      if (known) await this.end(known);
      const entry: Entry = { spec, state: 'waiting', restarts: 0, hangs: 0 };
      this.entries.set(spec.name, entry);
      if (!this.adopt(entry)) await this.start(entry);
    }
    this.writeSpecs();
  }

  status(): readonly ProcessStatus[] {
    return [...this.entries.values()].map(({ spec, state, record, restarts, hangs, lastExit }) => ({
      name: spec.name,
      state,
      restarts,
      hangs,
      ...(record ? { pid: record.pid, startedAt: record.startedAt } : {}),
      ...(lastExit === undefined ? {} : { lastExit }),
    }));
  }

  logs(): readonly string[] {
    return [...this.entries.values()].map(({ spec }) => spec.log);
  }

  /** Ends these processes, or all without names, one group after the other (stopOrder). */
  async stop(names?: readonly string[]): Promise<void> {
    const chosen = [...this.entries.values()].filter(({ spec }) => names === undefined || names.includes(spec.name));
    for (const group of stopGroups(chosen)) {
      await Promise.all(group.map((entry) => this.end(entry)));
      for (const entry of group) this.entries.delete(entry.spec.name);
    }
    this.writeSpecs();
  }

  /** Stops watching and leaves the processes running, for the next supervisor to adopt. */
  abandon(): void {
    for (const { cancelTimer, spec } of this.entries.values()) {
      cancelTimer?.();
      this.liveness.forget(spec.name);
    }
    this.entries.clear();
  }

  private adopt(entry: Entry): boolean {
    const text = readOptional(pidFile(this.runDir, entry.spec.name));
    const record = text === undefined ? undefined : (JSON.parse(text) as PidRecord);
    if (!record || !isSameProcess(record)) return false;
    this.log.info('adopted', { process: entry.spec.name, pid: record.pid });
    entry.record = record;
    entry.state = 'running';
    this.watch(entry, record.pid, this.notifications(entry.spec));
    entry.ended = new Promise((resolve) => {
      const look = () => {
        if (!isSameProcess(record)) {
          resolve();
          this.onEnd(entry, record, 'ended while it was adopted');
        } else entry.cancelTimer = this.clock.after(adoptedPollMs, look);
      };
      look();
    });
    return true;
  }

  private async start(entry: Entry): Promise<void> {
    const { spec } = entry;
    let log: number | undefined;
    let notifications: ReturnType<Liveness['listen']> | undefined;
    try {
      notifications = this.notifications(spec);
      for (const path of spec.removeFirst ?? []) rmSync(path, { force: true });
      mkdirSync(dirname(spec.log), { recursive: true });
      log = openSync(spec.log, 'a', 0o600);
      const daemon = await startProgram(spec.argv, {
        env: { ...spec.env, ...(notifications && this.watchdogEnv(spec)) },
        cwd: '/',
        stdio: ['ignore', log, log],
        detached: true,
      });
      const record = { pid: daemon.pid, startTicks: startTicks(daemon.pid) ?? '', startedAt: this.clock.now() };
      entry.record = record;
      entry.state = 'running';
      this.watch(entry, daemon.pid, notifications);
      writeAtomically(pidFile(this.runDir, spec.name), JSON.stringify(record));
      this.log.info('started', { process: spec.name, pid: daemon.pid });
      entry.ended = daemon.exited.then((code) =>
        this.onEnd(entry, record, code === null ? 'ended by a signal' : `exit ${code}`),
      );
    } catch (err) {
      notifications?.close();
      entry.lastExit = describeError(err);
      this.scheduleStart(entry);
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  private onEnd(entry: Entry, record: PidRecord, how: string): void {
    if (entry.record !== record) return;
    entry.record = undefined;
    this.liveness.forget(entry.spec.name);
    entry.lastExit = entry.hung ?? how;
    entry.hung = undefined;
    if (entry.state === 'stopping' || this.entries.get(entry.spec.name) !== entry) return;
    entry.restarts++;
    if (this.clock.now() - record.startedAt >= settledMs) this.failures.forget(entry.spec.name);
    this.scheduleStart(entry);
  }

  private scheduleStart(entry: Entry): void {
    const { name } = entry.spec;
    const delayMs = this.failures.count(name) === 0 ? 0 : this.failures.next(name);
    if (delayMs === 0) this.failures.next(name);
    entry.state = 'waiting';
    this.log.warn('ended; starting again', { process: name, how: entry.lastExit, inMs: delayMs });
    entry.cancelTimer = this.clock.after(delayMs, () => void this.start(entry));
  }

  private notifications({ name, silentTimeoutMs }: ProcessSpec): ReturnType<Liveness['listen']> | undefined {
    if (silentTimeoutMs === undefined) return undefined;
    try {
      return this.liveness.listen(notifySocket(this.runDir, name));
    } catch (error) {
      // An unwatched process is better than no process.
      this.log.warn('not watched for signs of life', { process: name, error });
      return undefined;
    }
  }

  private watchdogEnv({ name, silentTimeoutMs }: ProcessSpec): Readonly<Record<string, string>> {
    if (silentTimeoutMs === undefined) return {};
    return { NOTIFY_SOCKET: notifySocket(this.runDir, name), WATCHDOG_USEC: String(silentTimeoutMs * 1000) };
  }

  private watch({ spec }: Entry, pid: number, socket: ReturnType<Liveness['listen']> | undefined): void {
    const { name, silentTimeoutMs } = spec;
    if (socket && silentTimeoutMs !== undefined) this.liveness.watch(name, pid, silentTimeoutMs, socket);
  }

  private onSilent(name: string, silentMs: number): void {
    const entry = this.entries.get(name);
    const record = entry?.record;
    if (!entry || !record || entry.state !== 'running' || !isSameProcess(record)) return;
    entry.hung = `no sign of life for ${Math.round(silentMs / 1000)} s`;
    entry.hangs++;
    this.log.warn('hangs; killed after its stack went to its log', {
      process: name,
      pid: record.pid,
      silentMs,
      // The kernel function the process waits in, if any: a system call prints no stack.
      waitsIn: readOptional(`/proc/${record.pid}/wchan`),
    });
    signalProcess(record, 'SIGINT');
    this.clock.after(stackMs, () => signalProcess(record, 'SIGKILL'));
  }

  private async end(entry: Entry): Promise<void> {
    entry.state = 'stopping';
    const { record, spec } = entry;
    this.liveness.forget(spec.name);
    if (!record) {
      entry.cancelTimer?.();
      return;
    }
    signalProcess(record, 'SIGTERM');
    const deadline = this.clock.now() + (spec.stopTimeoutMs ?? defaultStopTimeoutMs);
    while (isSameProcess(record)) {
      if (this.clock.now() > deadline) {
        this.log.warn('did not stop in time; killed', { process: spec.name, pid: record.pid });
        signalProcess(record, 'SIGKILL');
      }
      await this.clock.sleep(killPollMs);
    }
    entry.cancelTimer?.();
    rmSync(pidFile(this.runDir, spec.name), { force: true });
  }

  private writeSpecs(): void {
    writeAtomically(specsFile(this.runDir), JSON.stringify([...this.entries.values()].map(({ spec }) => spec)));
  }
}

/** By their stop order: each group ends while the processes that it needs still run. */
function stopGroups(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const groups = Map.groupBy(entries, ({ spec }) => spec.stopOrder ?? 0);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

function signalProcess(record: PidRecord, signal: NodeJS.Signals): void {
  if (!isSameProcess(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
}

function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}
