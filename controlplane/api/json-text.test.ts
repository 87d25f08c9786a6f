import t from 'tap';
import { slowestString } from '../../test/lib/hostile-strings';
import { maxJsonDepth, parseJson, parseStored, writeLargeIntegers } from './json-text';

const read = (text: string) => parseJson(Buffer.from(text));

t.test('numbers come back as they were sent', async (t) => {
  for (const text of [
    '0',
    '-1',
    '123456789012345',
    '9007199254740991',
    '-9007199254740991',
    '9007199254740992',
    '0.1',
    '1e3',
    '1.5E-7',
    '["1234567890123456789", {"1234567890123456789": "1e999"}]',
    '0.12345678901234567890',
  ]) {
    t.same(read(text), JSON.parse(text), text);
  }
});

t.test('numbers that would be changed are refused', async (t) => {
  const cases: [text: string, type: string][] = [
    ['9007199254740993', 'int64'],
    ['-9007199254740993', 'int64'],
    ['9223372036854775807', 'int64'],
    ['[1,{"a":123456789012345678901234567890}]', 'int64'],
    ['1e999', 'float64'],
    ['{"a":-2E308}', 'float64'],
  ];
  for (const [text, type] of cases) {
    t.throws(() => read(text), { code: 'BadRequest', message: new RegExp(`Go value of type ${type}`) }, text);
  }
});

t.test('large integers are kept as bigints where they may be', async (t) => {
  const kept = (text: string) => parseJson(Buffer.from(text), undefined, 'kept');
  t.same(kept('[9007199254740991,9007199254740993,-9223372036854775808,1e3,"9007199254740993"]'), [
    9007199254740991,
    9007199254740993n,
    -9223372036854775808n,
    1000,
    '9007199254740993',
  ]);
  for (const text of ['9223372036854775808', '-9223372036854775809', '1e999']) {
    t.throws(() => kept(text), { code: 'BadRequest', message: /cannot be kept exactly/ }, text);
  }
  writeLargeIntegers();
  const text = '{"a":[9223372036854775807,1,"1234567890123456789"],"b":-9007199254740993}';
  t.equal(JSON.stringify(parseStored(text)), text);
});

t.test('depth is bounded, and brackets in strings do not count', async (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.doesNotThrow(() => read(nested(maxJsonDepth)));
  t.throws(() => read(nested(maxJsonDepth + 1)), { code: 'BadRequest', message: 'exceeded max depth' });
  t.throws(() => read('{"a":'.repeat(500_000)), { code: 'BadRequest' });
  t.doesNotThrow(() => read(JSON.stringify('['.repeat(5_000))));
  t.doesNotThrow(() => read(`[${'[],'.repeat(5_000)}"\\\\\\"[["]`));
});

t.test('__proto__ and constructor are ordinary keys', async (t) => {
  const value = read('{"__proto__":{"a":12345678901234567e0}}') as object;
  t.same(Object.keys(value), ['__proto__']);
  t.equal(Object.getPrototypeOf(value), Object.prototype);
});

t.test('hostile texts take linear time', async (t) => {
  t.equal(slowestString(read), undefined);
});
