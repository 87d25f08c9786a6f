// The client side of the supervisor's socket: starts the supervisor, reads its state, sends commands.
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { systemClock } from '../../controlplane/base/clock';
import { isUnavailable, Unavailable } from '../../controlplane/base/errors';
import { startProgram } from '../../dataplane/exec/system-exec';
import { isSameProcess } from './supervisor/proc';
import {
  controlSocket,
  type PidRecord,
  type ProcessSpec,
  type ProcessStatus,
  pidFile,
  specsFile,
} from './supervisor/spec';
import { requestJson } from './unix-http';

const startTimeoutMs = 10_000;
const pollMs = 20;
/** Stopping waits for containers and engines. */
const stopRequestMs = 120_000;

/** The supervisor's process, or undefined when none runs for this directory. */
export function supervisorPid(runDir: string): number | undefined {
  try {
    const record = JSON.parse(readFileSync(pidFile(runDir, 'supervisor'), 'utf8')) as PidRecord;
    return isSameProcess(record) ? record.pid : undefined;
  } catch {
    return undefined; // No file, or half a file: no supervisor runs.
  }
}

/** Starts the supervisor unless it runs. It outlives this process and the terminal. Returns whether it was started. */
export async function ensureSupervisor(runDir: string, program: readonly string[], logFile: string): Promise<boolean> {
  if (supervisorPid(runDir) !== undefined) {
    await processStatus(runDir);
    return false;
  }
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  const daemon = await startProgram([...program, runDir], { cwd: '/', stdio: ['ignore', log, log], detached: true });
  daemon.unref();
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      await processStatus(runDir);
      return true;
    } catch (err) {
      if (!isUnavailable(err) || Date.now() > deadline) {
        throw new Unavailable(`the supervisor did not start; see ${logFile}`, { cause: err });
      }
    }
    await systemClock.sleep(pollMs);
  }
}

export const processStatus = (runDir: string): Promise<readonly ProcessStatus[]> =>
  requestJson({ socketPath: controlSocket(runDir), path: '/processes' });

/** What the supervisor keeps running, as its file has it. */
export const runningSpecs = (runDir: string): readonly ProcessSpec[] =>
  JSON.parse(readFileSync(specsFile(runDir), 'utf8')) as readonly ProcessSpec[];

export const applyProcesses = (runDir: string, specs: readonly ProcessSpec[]): Promise<readonly ProcessStatus[]> =>
  requestJson({ socketPath: controlSocket(runDir), method: 'POST', path: '/processes', body: specs });

export const stopProcesses = (runDir: string, names: readonly string[]): Promise<unknown> =>
  requestJson({
    socketPath: controlSocket(runDir),
    method: 'POST',
    path: '/stop',
    body: { names },
    timeoutMs: stopRequestMs,
  });

/** Stops every process, then the supervisor itself. */
export const shutdownSupervisor = (runDir: string): Promise<unknown> =>
  requestJson({ socketPath: controlSocket(runDir), method: 'POST', path: '/shutdown', timeoutMs: stopRequestMs });
