// Programs that run at the terminal of this one.
import { startProgram } from '../../dataplane/exec/system-exec';

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** While `work` runs, signals that end a process do not end this one: it has to finish. `wasAsked`: whether one has come. */
export async function withoutEnding<T>(work: (wasAsked: () => boolean) => Promise<T>): Promise<T> {
  let asked = false;
  const note = () => {
    asked = true;
  };
  for (const name of endings) process.on(name, note);
  try {
    return await work(() => asked);
  } finally {
    for (const name of endings) process.off(name, note);
  }
}

/** Runs a program and resolves with its exit status, 1 if a signal ended it. A signal that would end this process ends the program. */
export function runAttached(argv: readonly string[]): Promise<number> {
  return withoutEnding(async () => {
    const program = await startProgram(argv, { stdio: ['inherit', 'inherit', 'inherit'] });
    // Ctrl-C reaches the program by itself.
    const pass = (name: NodeJS.Signals) => program.kill(name);
    process.on('SIGTERM', pass).on('SIGHUP', pass);
    try {
      return (await program.exited) ?? 1;
    } finally {
      process.off('SIGTERM', pass).off('SIGHUP', pass);
    }
  });
}
