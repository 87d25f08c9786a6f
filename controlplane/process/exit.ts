// The end of a process that has printed something.

/**
 * Ends the process when standard output is written out: to a pipe Node.js writes in the background, and process.exit() would cut that off.
 * A reader that is gone ends it at once.
 */
export function exitWhenWritten(code: number): void {
  process.stdout.once('error', () => process.exit(code));
  process.stdout.write('', () => process.exit(code));
}
