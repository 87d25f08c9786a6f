import t from 'tap';
import { type EnvFile, parseEnvFile } from './env-file';

function parse(text: string, ...wanted: readonly string[]): EnvFile & { readonly steps: number } {
  const steps = parseEnvFile(text, new Set(wanted));
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return { ...step.value, steps: count };
  }
}

const file = `# written by the init container
  COLOR='blue'   # with a comment

POEM='one
two # no comment
three'
EMPTY=''
SPACE= 'not the value'
LAST='x'`;

for (const [key, want] of [
  ['COLOR', 'blue'],
  ['POEM', 'one\ntwo # no comment\nthree'],
  ['EMPTY', ''],
  ['SPACE', ''],
  ['LAST', 'x'],
  ['MISSING', undefined],
] as const) {
  t.test(`the value of ${key}`, async (t) => t.equal(parse(file, key).values.get(key), want));
}

for (const [text, why] of [
  ['COLOR', "line 1: missing '='"],
  ["\n='x'", 'line 2: empty variable name'],
  ["COLOR ='x'", "line 1: whitespace before '=' is not allowed"],
  ['COLOR=blue', 'line 1: value must be enclosed in single quotes'],
  ['COLOR=', 'line 1: value must be enclosed in single quotes'],
  ["COLOR='blue' red", 'line 1: unexpected content after closing quote'],
  ["A='x'\nCOLOR='blue\nred", 'line 2: unclosed single quote'],
] as const) {
  t.test(`refused: ${JSON.stringify(text)}`, async (t) => {
    t.match(parse(text, 'OTHER').error, { message: `invalid environment variable format at ${why}` });
  });
}

t.test('lines behind the value do not matter, those before it do', async (t) => {
  t.strictSame(parse("A='1'\nwrong", 'A'), { values: new Map([['A', '1']]), steps: 1 });
  const { values, error } = parse("A='1'\nwrong\nB='2'", 'A', 'B');
  t.strictSame([...values], [['A', '1']]);
  t.match(error, { message: /line 2: missing '='/ });
});

t.test('the first value of a name counts, and a file of another system is read alike', async (t) => {
  const { values } = parse("A='1'\r\nB='x\r\ny'\r\n\r\nA='2'\r\n", 'A', 'B');
  t.strictSame(
    [...values],
    [
      ['A', '1'],
      ['B', 'x\ny'],
    ],
  );
});

t.test('thousands of variables are found in one pass, with steps between', async (t) => {
  const names = Array.from({ length: 5000 }, (_, i) => `V${i}`);
  const { values, steps } = parse(names.map((name) => `${name}='${name}'`).join('\n'), ...names);
  t.strictSame([...values.values()], names);
  t.equal(steps, 11);
});
