// The messages of Go's decoder: each expected message comes from encoding/json for the same text.
import t from 'tap';
import { jsonSyntaxError } from './json-error';

const cases: ReadonlyArray<readonly [text: string, error: string]> = [
  ['', 'unexpected end of JSON input'],
  ['  ', 'unexpected end of JSON input'],
  ['{"kind":', 'unexpected end of JSON input'],
  ['{"a":1', 'unexpected end of JSON input'],
  ['"abc', 'unexpected end of JSON input'],
  ['"\\', "invalid character ' ' in string escape code"],
  ['tru', "invalid character ' ' in literal true (expecting 'e')"],
  ['-', "invalid character ' ' in numeric literal"],
  ['1.', "invalid character ' ' after decimal point in numeric literal"],
  ['1e+', "invalid character ' ' in exponent of numeric literal"],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['data: x', "invalid character 'd' looking for beginning of value"],
  ["'x'", "invalid character '\\'' looking for beginning of value"],
  ['{data', "invalid character 'd' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{"a":1}}', "invalid character '}' after top-level value"],
  ['01', "invalid character '1' after top-level value"],
  ['"\t"', "invalid character '\\t' in string literal"],
  ['"\u0001"', "invalid character '\\x01' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['\u00e9', "invalid character '\u00c3' looking for beginning of value"],
];

t.test('broken texts', async (t) => {
  for (const [text, error] of cases) t.equal(jsonSyntaxError(Buffer.from(text)), error, JSON.stringify(text));
});

t.test('valid texts have no error', async (t) => {
  const texts = ['{}', '[]', '""', '-0.5e+3', ' true ', '{"a":[{"b":null},"\\u00e9\\n",[]],"c":{}}'];
  for (const text of texts) t.equal(jsonSyntaxError(Buffer.from(text)), undefined, text);
});

t.test('deep nesting uses no stack', async (t) => {
  const deep = '['.repeat(1_000_000);
  t.equal(jsonSyntaxError(Buffer.from(deep)), 'unexpected end of JSON input');
  t.equal(jsonSyntaxError(Buffer.from(deep + ']'.repeat(1_000_000))), undefined);
});
