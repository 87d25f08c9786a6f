// The interface through which all code runs programs. Only this folder imports child_process, and no program is run through a
// shell.

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
  /** Kills the process after this time; the error says so. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}
export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Exec {
  /** Runs argv to its end. @throws CommandFailed on a non-zero exit, NotFound when the program is not installed. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}
