// An Exec that answers from a script: the test lists the expected calls, in order.
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec, RunOptions, RunResult } from '../../dataplane/exec/exec';

export interface ScriptedCall {
  /** The argv joined by spaces, or a pattern for it. */
  readonly argv: string | RegExp;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Default 0; another status fails with CommandFailed. */
  readonly exitCode?: number;
  /** Thrown instead of an answer, e.g. NotFound. */
  readonly error?: Error;
}

export class ScriptedExec implements Exec {
  /** The commands that ran, with their input. */
  readonly calls: { readonly argv: readonly string[]; readonly input: string }[] = [];
  private readonly script: ScriptedCall[];

  constructor(script: readonly ScriptedCall[] = []) {
    this.script = [...script];
  }

  /** Adds further expected calls. */
  expect(...calls: readonly ScriptedCall[]): void {
    this.script.push(...calls);
  }

  /** The expected calls that have not come yet. */
  get remaining(): readonly ScriptedCall[] {
    return this.script;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    options.signal?.throwIfAborted();
    const line = argv.join(' ');
    this.calls.push({ argv, input: options.input?.toString() ?? '' });
    const next = this.script.shift();
    const expected =
      next === undefined ? false : typeof next.argv === 'string' ? next.argv === line : next.argv.test(line);
    if (next === undefined || !expected) {
      throw new Error(`unexpected command: ${line}; expected ${next === undefined ? 'nothing' : String(next.argv)}`);
    }
    if (next.error) throw next.error;
    const { stdout = '', stderr = '', exitCode = 0 } = next;
    if (exitCode !== 0) throw new CommandFailed(argv, exitCode, stderr);
    return { stdout, stderr };
  }
}
