// The end of a program with much output, in a pipe with a reader: what exitWhenWritten() is for.
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';

const root = join(__dirname, '../..');
const exec = new SystemExec();
/** Prints far more than a pipe holds, and ends with status 3. */
const program = `
  const { exitWhenWritten } = require(${JSON.stringify(join(root, 'controlplane/process/exit.ts'))});
  for (let i = 0; i < 40_000; i++) process.stdout.write('a line of the output ' + i + '\\n');
  exitWhenWritten(3);
`;
/** Prints what the reader prints, then the status of the program. */
const piped = async (reader: string) => {
  const script = `"$0" -r ts-node/register/transpile-only -e "$1" | ${reader}; echo "status \${PIPESTATUS[0]}"`;
  return (await exec.run(['bash', '-c', script, process.execPath, program], { cwd: root })).stdout;
};

t.test('all that was printed reaches the reader', async (t) => {
  t.equal((await piped('wc -l')).trim(), '40000\nstatus 3');
  t.equal((await piped('tail -n 1')).trim(), 'a line of the output 39999\nstatus 3');
});

t.test('a reader that goes away ends it', async (t) => {
  t.match(await piped('head -n 1'), /^a line of the output 0\nstatus \d+\n$/);
});
