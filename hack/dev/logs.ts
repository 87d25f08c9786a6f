// hack/logs: the last lines of one process's log, and new lines as they arrive; without a name, the list of logs.
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, watch } from 'node:fs';
import { openCluster } from './cluster';
import { Refused } from './preflight';
import { logPath } from './processes';
import { processStatus, supervisorPid } from './supervisor-control';

export interface LogsOptions {
  readonly name: string;
  readonly process: string | undefined;
  readonly follow: boolean;
  readonly lines: number;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

export async function logs({ name, process: wanted, follow, lines, write, signal }: LogsOptions): Promise<void> {
  const { plan } = openCluster(name);
  const running = supervisorPid(plan.runDir) === undefined ? [] : await processStatus(plan.runDir);
  const known = ['supervisor', ...running.map((entry) => entry.name)];
  if (wanted === undefined) {
    write(`${known.map((entry) => `${entry.padEnd(24)} ${logPath(plan, entry)}\n`).join('')}`);
    return;
  }
  const path = logPath(plan, wanted);
  if (!existsSync(path)) {
    throw new Refused(`there is no log of ${JSON.stringify(wanted)}.`, `Processes: ${known.join(', ')}`);
  }
  write(lastLines(readFileSync(path, 'utf8'), lines));
  if (follow) await followFile(path, write, signal);
}

/** The last `count` complete lines. */
export function lastLines(text: string, count: number): string {
  const all = text.split('\n');
  const open = all.pop() ?? '';
  const kept = count === 0 ? [] : all.slice(-count);
  return [...kept, ...(open === '' ? [] : [open])].map((line) => `${line}\n`).join('');
}

function followFile(path: string, write: (text: string) => void, signal: AbortSignal): Promise<void> {
  let position = statSync(path).size;
  return new Promise((resolve) => {
    const watcher = watch(path, () => {
      const { size } = statSync(path);
      // The supervisor has rotated it.
      if (size < position) position = 0;
      const buffer = Buffer.alloc(size - position);
      const file = openSync(path, 'r');
      readSync(file, buffer, 0, buffer.length, position);
      closeSync(file);
      position = size;
      write(buffer.toString('utf8'));
    });
    signal.addEventListener('abort', () => {
      watcher.close();
      resolve();
    });
  });
}
