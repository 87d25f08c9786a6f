import { startProgram } from '../../dataplane/exec/system-exec';

/**
 * Runs a program at this terminal, and resolves with its exit status, 1 if a signal ended it. Ctrl-C reaches the program and ends it; this
 * process stays, because it may have work to do after that.
 */
export async function runAttached(argv: readonly string[]): Promise<number> {
  const stay = () => undefined;
  process.on('SIGINT', stay);
  try {
    const program = await startProgram(argv, { stdio: ['inherit', 'inherit', 'inherit'] });
    return (await program.exited) ?? 1;
  } finally {
    process.off('SIGINT', stay);
  }
}
