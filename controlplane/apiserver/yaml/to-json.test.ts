import t from 'tap';
import { parse } from 'yaml';
import { fc, fuzz, objectOf } from '../../../test/lib/fuzz';
import { slowestString } from '../../../test/lib/hostile-strings';
import { convertYaml, yamlToJson } from './to-json';

t.test('YAML values as JSON', async (t) => {
  const cases: [yaml: string, json: string][] = [
    ['', 'null'],
    ['# nothing\n', 'null'],
    ['a: 1\nb:\n  - x\n  - "1"\n', '{"a":1,"b":["x","1"]}'],
    ['{a: [1, {b: c}], "d": }', '{"a":[1,{"b":"c"}],"d":null}'],
    ['[~, null, Null, true, False, yes, no]', '[null,null,null,true,false,"yes","no"]'],
    ['[0, -1, +2, 007, 0x1F, 0o17, 1.5, .5, 1., 1e3, -0]', '[0,-1,2,7,31,15,1.5,0.5,1,1000,-0]'],
    ['[9007199254740993, 12345678901234567890123]', '[9007199254740993,12345678901234567890123]'],
    ['[1.2.3, 1e, 0x, +a, .a, 2026-01-01, 10:20, 1_000]', '["1.2.3","1e","0x","+a",".a","2026-01-01","10:20","1_000"]'],
    ['a: |\n  x\n  y\nb: >-\n  x\n  y\n', '{"a":"x\\ny\\n","b":"x y"}'],
    ["a: 'it''s'\nb: \"\\u00e9\\n\"", '{"a":"it\'s","b":"é\\n"}'],
    ['a: &x {n: 1}\nb: *x\nc: [*x, *x]', '{"a":{"n":1},"b":{"n":1},"c":[{"n":1},{"n":1}]}'],
    ['a: &x {n: 1, m: 2}\nb:\n  <<: *x\n  n: 3', '{"a":{"n":1,"m":2},"b":{"m":2,"n":3}}'],
    ['<<: [{a: 1}, {a: 2, b: 3}]', '{"a":1,"b":3}'],
    ['a: !!str 1\nb: !!int "2"\nc: !!binary aGk=\nd: ! 3', '{"a":"1","b":2,"c":"hi","d":"3"}'],
    ['1: a\ntrue: b\n', '{"1":"a","true":"b"}'],
    ['a: 1\na: 2\n', '{"a":1,"a":2}'],
    ['__proto__: {a: 1}', '{"__proto__":{"a":1}}'],
    ['---\na: 1\n...\n', '{"a":1}'],
    ['%YAML 1.2\n---\na: 1\n', '{"a":1}'],
  ];
  for (const [yaml, json] of cases) t.equal(yamlToJson(yaml), json, yaml);
});

t.test('values without a JSON form are refused', async (t) => {
  const cases: [yaml: string, message: RegExp][] = [
    ['a: ]', /^error converting YAML to JSON: yaml: line 1: /],
    ['a: 1\n  b: 2\n', /^error converting YAML to JSON: yaml: line 2: /],
    ['- .inf', /unsupported value: \.inf/],
    ['- 1e999', /unsupported value: 1e999/],
    ['a: *x', /unknown anchor 'x' referenced/],
    ['a: &x [*x]', /unknown anchor 'x' referenced/],
    ['? [a]\n: 1', /a key must be a scalar/],
    ['a: !foo 1', /unknown tag "!foo"/],
    ['a: !!int x', /cannot decode "x" as a !!int/],
    ['<<: 1', /map merge requires/],
    ['a: 1\n---\nb: 2\n', /more than one YAML document/],
    ['['.repeat(1_001) + ']'.repeat(1_001), /maxDepth|max depth/],
  ];
  for (const [yaml, message] of cases)
    t.throws(() => yamlToJson(yaml), { code: 'BadRequest', message }, yaml.slice(0, 40));
});

t.test('duplicate keys are reported with their lines, those of inner mappings too', async (t) => {
  const yaml = 'a: 1\nb:\n  c: {x: 1, x: 2}\n  1: a\n  1: b\n  "d": 1\n  d: 2\n  d: 3\na: 2\n';
  t.same(convertYaml(yaml).duplicateKeys, [
    'line 3: key "x" already set in map',
    'line 5: key 1 already set in map',
    'line 7: key "d" already set in map',
    'line 8: key "d" already set in map',
    'line 9: key "a" already set in map',
  ]);
  t.same(convertYaml('a: &x {n: 1}\nb:\n  <<: *x\n  n: 3').duplicateKeys, [], 'merged keys are no duplicates');
  t.same(convertYaml('{a: 1,\n? a\n: 2}').duplicateKeys, ['line 2: key "a" already set in map']);
  t.equal(convertYaml('a: 1\n'.repeat(1_000)).duplicateKeys.length, 100, 'a bound');
});

t.test('aliases cannot expand a document without bound', async (t) => {
  const level = (name: string, of: string) =>
    `${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join()}]\n`;
  const names = [...'bcdefghij'];
  const laughs = `a: &a [x]\n${names.map((name, i) => level(name, i === 0 ? 'a' : names[i - 1]!)).join('')}`;
  t.throws(() => yamlToJson(laughs), { code: 'BadRequest', message: /excessive aliasing/ });
  const keys = Array.from({ length: 1_000 }, (_, i) => `  k${i}: 1\n`).join('');
  const merges = `a: &a\n${keys}b:\n${'- <<: *a\n'.repeat(20)}`;
  t.throws(() => yamlToJson(merges), { code: 'BadRequest', message: /excessive aliasing/ }, 'by merge keys');
  const deep = `a0: &a0 [x]\n${Array.from({ length: 1_100 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]\n`).join('')}`;
  t.throws(() => yamlToJson(deep), { code: 'BadRequest' });
});

t.test('work is linear in the text', async (t) => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('');
  const texts = [
    lines(30_000, (i) => `k${i}: 1\n`),
    lines(30_000, () => 'k: 1\n'),
    lines(30_000, (i) => `- &a${i} 1\n`),
    `a: &x 1\nl:\n${lines(30_000, () => '- *x\n')}`,
    `a: &x {b: 1}\nl:\n${lines(10_000, () => '- <<: *x\n')}`,
    `a: 1\n${lines(50_000, () => '# c\n')}`,
    `a: x${'\n'.repeat(100_000)}b: 1`,
    lines(900, (i) => `${' '.repeat(i)}a:\n`),
    `a: |\n${lines(50_000, () => '  x\n')}`,
    lines(30_000, () => '--- 1\n'),
  ];
  for (const text of texts) {
    const start = process.cpuUsage();
    try {
      yamlToJson(text);
    } catch (err) {
      t.match(err, { code: 'BadRequest' });
    }
    const { user } = process.cpuUsage(start);
    t.ok(user < 3_000_000, `${text.slice(0, 20)}: ${user} us; quadratic work takes longer than ten seconds`);
  }
  t.equal(
    slowestString(yamlToJson, [
      '- ',
      ': ',
      '? ',
      '&a ',
      '*a ',
      '!!str ',
      '- - ',
      '{a: ',
      '"\\n',
      "''",
      '|\n',
      '>\n',
      '# ',
    ]),
    undefined,
  );
});

/** Trees that both parsers must read the same way. */
const scalars = fc.oneof(
  fc.constantFrom('null', '~', 'true', 'x', '12', '-1.5', '"q\\n"', "'s'", '0x1f', 'a b', '""'),
  fc.integer().map(String),
  fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
);
const flow = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
    fc
      .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), tie('value')), {
        maxLength: 4,
        selector: ([key]) => key,
      })
      .map((pairs) => `{${pairs.map(([key, value]) => `${key}: ${value}`).join(', ')}}`),
  ),
})).value;

t.test('YAML is read as another parser reads it', async (t) => {
  await fuzz(t, 'flow', flow, (text) => {
    const [ours, theirs] = [JSON.parse(yamlToJson(text)) as unknown, parse(text) as unknown];
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) throw new Error(`${text}: ${JSON.stringify(ours)}`);
  });
});

t.test('any text is refused or gives valid JSON', async (t) => {
  const pieces = fc.constantFrom(
    ...[
      'a',
      '1',
      ': ',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '"',
      "'",
      '|\n',
      '>\n',
      '&a ',
      '*a',
      '!!str ',
      '---\n',
    ],
    ...[
      '# c\n',
      '<<: ',
      '? ',
      '\t',
      '\0',
      '\u2028',
      '__proto__',
      '%YAML 1.2\n',
      '...\n',
      '\\',
      'null',
      '.inf',
      '0x',
      '!',
    ],
  );
  await fuzz(t, 'pieces', fc.array(pieces, { maxLength: 40 }), (parts) => readOrRefuse(parts.join('')), {
    runs: 2_000,
  });
  await fuzz(t, 'strings', fc.string({ unit: 'binary', maxLength: 60 }), readOrRefuse);
});

function readOrRefuse(text: string): void {
  let json: string;
  try {
    json = yamlToJson(text);
  } catch (err) {
    if ((err as { code?: string }).code === 'BadRequest') return;
    throw err;
  }
  JSON.parse(json);
}

t.test('JSON is read as JSON', async (t) => {
  const keys = fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 })), { maxLength: 4 });
  await fuzz(t, 'json', keys.map(objectOf), (value) => {
    const text = JSON.stringify(value);
    if (JSON.stringify(JSON.parse(yamlToJson(text))) !== text) throw new Error(text);
  });
});
