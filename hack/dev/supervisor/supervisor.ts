// Keeps a set of processes running: starts them, starts them again when they end, adopts those that survived its own death,
// stops them in reverse order. Knows nothing of clusters.
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Backoff } from '../../../controlplane/base/backoff';
import { type Clock, systemClock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { startProgram } from '../../../dataplane/exec/system-exec';
import { isSameProcess, startTicks } from './proc';
import { type PidRecord, type ProcessSpec, type ProcessStatus, pidFile, specsFile } from './spec';

/** A process that ran this long has started well: its next end counts as the first. */
const settledMs = 10_000;
/** The first end is answered at once; those that follow soon wait longer each time. */
const backoff = { initialMs: 100, maxMs: 5_000 };
/** A process that was adopted is no child: nobody reports its end, so it is looked for. */
const adoptedPollMs = 200;
const defaultStopTimeoutMs = 10_000;
const killPollMs = 50;

interface Entry {
  spec: ProcessSpec;
  state: ProcessStatus['state'];
  record?: PidRecord;
  restarts: number;
  lastExit?: string;
  cancelTimer?: () => void;
  /** Resolves when the process has ended. */
  ended?: Promise<void>;
}

export class Supervisor {
  private readonly entries = new Map<string, Entry>();
  private readonly failures = new Backoff<string>(backoff);

  constructor(
    private readonly runDir: string,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Runs what the last supervisor ran, adopting processes that are still there. */
  async restore(): Promise<void> {
    const text = readOptional(specsFile(this.runDir));
    if (text !== undefined) await this.apply(JSON.parse(text) as ProcessSpec[]);
  }

  /** Adds these processes; one that is known with another command line is stopped and started anew. Others stay as they are. */
  async apply(specs: readonly ProcessSpec[]): Promise<void> {
    for (const spec of specs) {
      const known = this.entries.get(spec.name);
      if (known && JSON.stringify(known.spec) === JSON.stringify(spec)) continue;
      if (known) await this.end(known);
      const entry: Entry = { spec, state: 'waiting', restarts: 0 };
      this.entries.set(spec.name, entry);
      if (!this.adopt(entry)) await this.start(entry);
    }
    this.writeSpecs();
  }

  status(): readonly ProcessStatus[] {
    return [...this.entries.values()].map(({ spec, state, record, restarts, lastExit }) => ({
      name: spec.name,
      state,
      restarts,
      ...(record ? { pid: record.pid, startedAt: record.startedAt } : {}),
      ...(lastExit === undefined ? {} : { lastExit }),
    }));
  }

  logs(): readonly string[] {
    return [...this.entries.values()].map(({ spec }) => spec.log);
  }

  /** Ends these processes (all when absent), those started last first, one kind of thing after the other. */
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
    for (const entry of this.entries.values()) entry.cancelTimer?.();
    this.entries.clear();
  }

  private adopt(entry: Entry): boolean {
    const text = readOptional(pidFile(this.runDir, entry.spec.name));
    const record = text === undefined ? undefined : (JSON.parse(text) as PidRecord);
    if (!record || !isSameProcess(record)) return false;
    this.log.info('adopted', { process: entry.spec.name, pid: record.pid });
    entry.record = record;
    entry.state = 'running';
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
    try {
      for (const path of spec.removeFirst ?? []) rmSync(path, { force: true });
      mkdirSync(dirname(spec.log), { recursive: true });
      log = openSync(spec.log, 'a', 0o600);
      const daemon = await startProgram(spec.argv, {
        env: spec.env,
        cwd: '/',
        stdio: ['ignore', log, log],
        detached: true,
      });
      const record = { pid: daemon.pid, startTicks: startTicks(daemon.pid) ?? '', startedAt: this.clock.now() };
      entry.record = record;
      entry.state = 'running';
      writeAtomically(pidFile(this.runDir, spec.name), JSON.stringify(record));
      this.log.info('started', { process: spec.name, pid: daemon.pid });
      entry.ended = daemon.exited.then((code) =>
        this.onEnd(entry, record, code === null ? 'ended by a signal' : `exit ${code}`),
      );
    } catch (err) {
      entry.lastExit = describeError(err);
      this.scheduleStart(entry);
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  private onEnd(entry: Entry, record: PidRecord, how: string): void {
    if (entry.record !== record) return;
    entry.record = undefined;
    entry.lastExit = how;
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

  private async end(entry: Entry): Promise<void> {
    entry.state = 'stopping';
    const { record, spec } = entry;
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

/** Agents together, then engines, then the rest: what a group needs is still there while it ends. */
function stopGroups(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const rank = ({ spec }: Entry) => (spec.name.endsWith('/docker') ? 1 : spec.name.includes('/') ? 0 : 2);
  return [0, 1, 2].map((wanted) => entries.filter((entry) => rank(entry) === wanted));
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
