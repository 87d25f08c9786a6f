import t from 'tap';
import { decodeLines, readText } from './lines';

async function* chunks(...parts: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}
async function lines(...parts: (string | Buffer)[]): Promise<string[][]> {
  const all: string[][] = [];
  for await (const batch of decodeLines(chunks(...parts))) all.push(batch);
  return all;
}

t.test('decodeLines', async (t) => {
  const umlaut = Buffer.from('ü\n');
  const cases = [
    { name: 'several lines in one chunk', parts: ['a\nb\n'], want: [['a', 'b']] },
    { name: 'one line in several chunks', parts: ['a', 'b', 'c\nd', '\n'], want: [['abc'], ['d']] },
    { name: 'a character cut in two', parts: [umlaut.subarray(0, 1), umlaut.subarray(1)], want: [['ü']] },
    { name: 'a newline alone ends a partial line', parts: ['ab', '\n', 'c\n'], want: [['ab'], ['c']] },
    { name: 'an unfinished tail is dropped', parts: ['a\nb'], want: [['a']] },
    { name: 'empty lines are skipped', parts: ['\n\na\n\n'], want: [['a']] },
  ];
  for (const { name, parts, want } of cases) t.same(await lines(...parts), want, name);
});

t.test('a line of many chunks is joined once', async (t) => {
  const part = 'x'.repeat(1000);
  const [[line]] = (await lines(...Array(1000).fill(part), '\n')) as [[string]];
  t.equal(line.length, 1_000_000);
});

t.test('readText joins the pieces of a body', async (t) => {
  t.equal(await readText(chunks('a', 'b')), 'ab');
  t.equal(await readText(chunks()), '');
});
