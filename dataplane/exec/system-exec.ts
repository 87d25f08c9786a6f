// Exec on the running system: argv goes straight to execve, never to a shell. Output is bounded, so that a program that prints
// without end cannot fill the memory of an agent.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError, CommandFailed, NotFound, Unavailable } from '../../controlplane/base/errors';
import type { Exec, RunOptions, RunResult } from './exec';

/** Bound for both output streams together; a full iptables-save of 50,000 rules is about 8 MiB. */
export const maxOutputBytes = 64 * 1024 * 1024;
/** How much of standard error an error keeps. */
const maxErrorText = 4096;

export class SystemExec implements Exec {
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    options.signal?.throwIfAborted();
    const child = spawnProgram(argv, options, ['pipe', 'pipe', 'pipe']);
    const ended = whenEnded(child, argv, options.cwd);
    const reaped = ended.catch(() => undefined);
    let killed: Error | undefined;
    const kill = (reason: Error) => {
      killed ??= reason;
      child.kill('SIGKILL');
      // Children of the program may keep the outputs open; run() does not wait for them.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const total = { bytes: 0 };
    const onOverflow = () => kill(new Unavailable(`${argv[0]} wrote more than ${maxOutputBytes} bytes`));
    const stdout = collect(child.stdout, total, onOverflow);
    const stderr = collect(child.stderr, total, onOverflow);
    // A program may exit without reading its input: its exit status says what happened, our EPIPE does not matter.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    const onAbort = () => kill(options.signal?.reason instanceof Error ? options.signal.reason : new Error('aborted'));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => kill(new AppError('Timeout', `${argv.join(' ')}: killed after ${options.timeoutMs} ms`)),
            options.timeoutMs,
          );
    try {
      const code = await ended;
      if (killed) throw killed;
      if (code !== 0) throw new CommandFailed(argv, code, stderr.text().slice(-maxErrorText));
      return { stdout: stdout.text(), stderr: stderr.text() };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      await reaped;
    }
  }
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File descriptors or 'ignore'/'inherit' for input, output, error; default: all ignored. */
  readonly stdio?: readonly ('ignore' | 'inherit' | number)[];
  /** True: own session, survives the parent. */
  readonly detached?: boolean;
  /** Receives everything the program writes to both outputs; then `stdio` does not apply to the outputs. */
  readonly onOutput?: (chunk: Buffer) => void;
}
export interface Daemon {
  readonly pid: number;
  /** Resolves with the exit status, or null when a signal ended it. Never rejects. */
  readonly exited: Promise<number | null>;
  kill(signal?: NodeJS.Signals): void;
  /** Lets the parent end while the daemon runs on. */
  unref(): void;
}

/** Starts a long-running program. @throws NotFound when it is not installed. */
export async function startProgram(argv: readonly string[], options: StartOptions = {}): Promise<Daemon> {
  const { onOutput, detached = false } = options;
  const [input, output, error] = options.stdio ?? [];
  const outputs = onOutput ? ['pipe' as const, 'pipe' as const] : [output ?? 'ignore', error ?? 'ignore'];
  const child = spawnProgram(argv, options, [input ?? 'ignore', ...outputs], detached);
  if (onOutput) for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput);
  const ended = whenEnded(child, argv, options.cwd);
  const exited = ended.catch(() => null);
  if (child.pid === undefined) {
    await ended;
    throw new Unavailable(`${argv[0]}: not started`);
  }
  return { pid: child.pid, exited, kill: (signal) => child.kill(signal), unref: () => child.unref() };
}

export function spawnProgram(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
  stdio: SpawnOptions['stdio'],
  detached = false,
): ChildProcess {
  const [program, ...args] = argv;
  if (program === undefined) throw new AppError('BadRequest', 'nothing to run: argv is empty');
  return spawn(program, args, {
    shell: false,
    stdio,
    detached,
    env: options.env ? { ...process.env, ...options.env } : process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

export function whenEnded(child: ChildProcess, argv: readonly string[], cwd?: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      // The kernel reports ENOENT for a missing working directory as well.
      const missing = cwd !== undefined && !existsSync(cwd) ? `directory not found: ${cwd}` : undefined;
      reject(
        cause.code === 'ENOENT' || (cause.code === 'EACCES' && !isOnPath(argv[0]!))
          ? new NotFound(missing ?? `program not installed: ${argv[0]}`, { cause })
          : new Unavailable(`${argv.join(' ')}: could not be started`, { cause }),
      );
    });
    child.once('close', (code) => resolve(code));
  });
}

/** A folder of PATH that this user may not search makes the kernel report EACCES, also for a program that is nowhere. */
function isOnPath(program: string): boolean {
  if (program.includes('/')) return true;
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

function collect(stream: Readable | null, total: { bytes: number }, onOverflow: () => void): { text(): string } {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => {
    total.bytes += chunk.length;
    if (total.bytes > maxOutputBytes) {
      onOverflow();
      return;
    }
    chunks.push(chunk);
  });
  return { text: () => Buffer.concat(chunks).toString('utf8') };
}
