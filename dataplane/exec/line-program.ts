// A program that runs on and talks in lines: questions to its standard input, answers from its standard output.
import { createInterface } from 'node:readline';
import { NotFound, Unavailable } from '../../controlplane/base/errors';
import { spawnProgram, whenEnded } from './system-exec';

export interface LineProgramEvents {
  readonly onLine: (line: string) => void;
  /** Once, after the last line. `why` has the end of standard error. */
  readonly onEnd: (why: string) => void;
}
export interface LineProgram {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined;
  /** Adds the line's end. A program that has ended gets nothing; onEnd says so. */
  send(line: string): void;
  /** Ends its input: the program ends by itself. One that does not is killed. */
  end(): void;
  kill(): void;
}
export type StartLineProgram = (argv: readonly string[], events: LineProgramEvents) => LineProgram;

/** What a program may write before the end of a line. */
export const maxLineBytes = 8 * 1024 * 1024;
const maxErrorText = 1024;
/** Between the end of its input and that of a program. */
const endingMs = 10_000;

/** Does not throw: a program that cannot be started ends. */
export const startLineProgram: StartLineProgram = (argv, { onLine, onEnd }) => {
  const child = spawnProgram(argv, {}, ['pipe', 'pipe', 'pipe']);
  let error = '';
  let unfinished = 0;
  let tooLong = false;
  child.stderr?.on('data', (chunk: Buffer) => {
    error = (error + chunk.toString()).slice(-maxErrorText);
  });
  // Before readline, which keeps a line of any length.
  child.stdout?.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(10);
    unfinished = end < 0 ? unfinished + chunk.length : chunk.length - end - 1;
    if (unfinished <= maxLineBytes) return;
    tooLong = true;
    child.kill('SIGKILL');
    child.stdout?.destroy();
  });
  if (child.stdout) createInterface({ input: child.stdout }).on('line', onLine);
  // A program that has ended does not read; onEnd says so.
  child.stdin?.on('error', () => {});
  let late: NodeJS.Timeout | undefined;
  const ended = whenEnded(child, argv).finally(() => clearTimeout(late));
  ended.then(
    (code) => {
      if (tooLong) return onEnd(`a line has more than ${maxLineBytes} bytes`);
      const how = code === null ? 'a signal ended it' : `it ended with status ${code}`;
      onEnd(error.trim() === '' ? how : `${how}: ${error.trim()}`);
    },
    (cause: unknown) =>
      onEnd(cause instanceof NotFound || cause instanceof Unavailable ? cause.message : String(cause)),
  );
  return {
    pid: child.pid,
    send: (line) => void child.stdin?.write(`${line}\n`),
    end: () => {
      child.stdin?.end();
      late ??= setTimeout(() => child.kill('SIGKILL'), endingMs).unref();
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
