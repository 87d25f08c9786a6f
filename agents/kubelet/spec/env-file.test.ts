import t from 'tap';
import { envFileValue } from './env-file';

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
  t.test(`the value of ${key}`, async (t) => t.equal(envFileValue(file, key), want));
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
    t.throws(() => envFileValue(text, 'OTHER'), { message: `invalid environment variable format at ${why}` });
  });
}

t.test('lines behind the value do not matter', async (t) => t.equal(envFileValue("A='1'\nwrong", 'A'), '1'));
