import t from 'tap';
import { maxLineBytes, startLineProgram } from './line-program';

/** A program that answers with what `code`, a part of a Node.js program, writes. */
function talk(code: string, argv: readonly string[] = [process.execPath, '-e', code]) {
  const lines: string[] = [];
  let wake = () => {};
  const waiting: string[] = [];
  let end = (_why: string) => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const program = startLineProgram(argv, {
    onLine: (line) => {
      lines.push(line);
      wake();
    },
    onEnd: end,
  });
  const next = async () => {
    while (lines.length === waiting.length) await new Promise<void>((resolve) => (wake = resolve));
    waiting.push(lines[waiting.length]!);
    return waiting.at(-1);
  };
  return { program, ended, next };
}

t.test('lines in both directions, until its input ends', async (t) => {
  const { program, ended, next } = talk('process.stdin.pipe(process.stdout)');
  program.send('one');
  t.equal(await next(), 'one');
  program.send('two');
  program.send('three');
  t.equal(await next(), 'two');
  t.equal(await next(), 'three');
  program.end();
  t.equal(await ended, 'it ended with status 0');
  program.send('nobody reads this');
});

t.test('how it ends', async (t) => {
  t.equal(
    await talk('process.stderr.write("no such rule\\n"); process.exit(3)').ended,
    'it ended with status 3: no such rule',
  );
  const { program, ended } = talk('setInterval(() => {}, 1000)');
  program.kill();
  t.equal(await ended, 'a signal ended it');
  t.match(await talk('', ['/nowhere/k8ts']).ended, /not installed/);
});

t.test('a line without end', async (t) => {
  const code = `process.stdout.write("x".repeat(${maxLineBytes + 1})); setInterval(() => {}, 1000)`;
  t.match(await talk(code).ended, /a line has more than/);
});
