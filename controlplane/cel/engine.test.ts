// Expressions as validation rules have them, on an object with a schema.
import t from 'tap';
import type { FieldSchema } from '../api/schema/schema';
import { CostBudget, CostExceeded, matchConditionsLimit } from './budget';
import { CelEnvironment } from './engine';
import { CelCompileError, CelEvaluationError } from './errors';

const string: FieldSchema = { type: 'string' };
const port: FieldSchema = {
  type: 'object',
  object: { fields: { name: string, port: { type: 'integer' }, protocol: string } },
};
const self: FieldSchema = {
  type: 'object',
  object: {
    fields: {
      replicas: { type: 'integer' },
      ratio: { type: 'number' },
      name: string,
      'host-name': string,
      namespace: string,
      since: { type: 'string', format: 'date-time' },
      timeout: { type: 'string', format: 'duration' },
      tags: { type: 'array', items: string },
      ports: { type: 'array', items: port },
      labels: { type: 'map', items: string },
      main: port,
      target: { type: 'intOrString' },
      free: { type: 'any' },
    },
  },
};
const env = new CelEnvironment({ self, oldSelf: self, params: 'dyn' });
const object = {
  replicas: 3,
  ratio: 0.5,
  name: 'web',
  'host-name': 'h',
  namespace: 'n',
  since: '2026-01-02T03:04:05Z',
  timeout: '1m30s',
  tags: ['a', 'b', 'c'],
  ports: [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
  labels: { app: 'web', tier: 'front' },
  main: { name: 'http', port: 80, protocol: 'TCP' },
  target: 8080,
  free: { depth: 2, list: [1, 2.5] },
};
const run = (expression: string, values: Record<string, unknown> = {}) =>
  env
    .compile(expression, 'dyn')
    .run({ self: object, oldSelf: object, params: { max: 5 }, ...values }, new CostBudget(matchConditionsLimit));

t.test('has() takes the field of any expression, and only fields that exist', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['has(self.ports[0].name)', true],
    ['has(self.ports[1].protocol)', false],
    ['has(self.ports.filter(p, has(p.protocol))[0].port)', true],
    ['self.ports.exists_one(p, has(p.protocol) && p.protocol == "TCP")', true],
    ['has({"a": 1}.a) && !has({"a": 1}.b)', true],
    ['has(self.labels.app) && !has(self.labels.other)', true],
    ['has(self.free.list[0].a) || true', true],
    ['has(self.ports[?1].name)', true],
  ];
  const values = { self: { ...object, ports: [object.ports[0], { name: 'dns' }] } };
  for (const [expression, value] of cases) t.strictSame(run(expression, values), value, expression);
  t.throws(() => run('has(self.ports[7].name)'), { message: 'index out of bounds: 7' });
  const errors: readonly (readonly [expression: string, error: string])[] = [
    ['has(self)', '1:5: invalid argument to has() macro'],
    ['has(self.nope)', "1:4: undefined field 'nope'"],
    ['1 == 1 && has(self.ports[0].nope)', "1:14: undefined field 'nope'"],
    ['has(self.nope.inner)', "1:9: undefined field 'nope'"],
    ['has(self.name.inner)', "1:4: type 'string' does not support field selection"],
  ];
  for (const [expression, error] of errors) {
    t.throws(
      () => env.compile(expression, 'bool'),
      { message: `compilation failed: ERROR: <input>:${error}` },
      expression,
    );
  }
});

t.test('rules over typed fields', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['self.replicas <= 5 && self.replicas > 1', true],
    ['self.replicas + 1', 4n],
    ['self.ratio * 2.0', 1],
    ['self.name == "web"', true],
    ['self.host__dash__name + self.__namespace__', 'hn'],
    ['self == oldSelf', true],
    ['self.main == self.ports[0]', true],
    ['self.main != self.ports[1]', true],
    ['self.ports == oldSelf.ports', true],
    ['has(self.name)', true],
    ['self.?name.orValue("x")', 'web'],
    ['self.ports.all(p, p.port > 0 && p.port < 65536)', true],
    ['self.ports.exists(p, p.name == "dns" && p.protocol == "UDP")', true],
    ['self.ports.exists_one(p, p.port == 80)', true],
    ['self.ports.filter(p, p.protocol == "TCP").map(p, p.name)', ['http']],
    ['self.tags.all(x, self.tags.exists_one(y, x == y))', true],
    ['self.labels["app"]', 'web'],
    ['"tier" in self.labels', true],
    ['self.labels.all(key, key.size() < 10)', true],
    ['self.since > timestamp("2025-01-01T00:00:00Z")', true],
    ['self.since.getFullYear()', 2026n],
    ['self.timeout < duration("2m")', true],
    ['self.target == 8080', true],
    ['type(self.target) == string', false],
    ['self.free.depth == 2', true],
    ['self.free.list[1] == 2.5', true],
    ['params.max >= self.replicas', true],
    ['self.replicas == 3 ? "three" : "other"', 'three'],
    ['cel.bind(n, self.replicas * 2, n + n)', 12n],
    ['size(self.tags) == 3', true],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
});

t.test('absent fields', async (t) => {
  const values = { self: { name: 'x' } };
  t.equal(run('has(self.replicas)', values), false);
  t.equal(run('!has(self.replicas) || self.replicas > 0', values), true);
  t.equal(run('self.?replicas.orValue(7)', values), 7n);
  t.throws(() => run('self.replicas > 1', values), new CelEvaluationError('no such key: replicas'));
});

t.test('functions of strings, lists and patterns', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['"grüße".charAt(2)', 'ü'],
    ['"a-b-c".replace("-", "+")', 'a+b+c'],
    ['"a-b-c".replace("-", "+", 1)', 'a+b-c'],
    ['"aaa".replace("a", "$&", 2)', '$&$&a'],
    ['"a,b,c".split(",", 2)', ['a', 'b,c']],
    ['"ABC".lowerAscii()', 'abc'],
    ['["a", "b"].join("-")', 'a-b'],
    ['self.tags.isSorted()', true],
    ['[3, 1].isSorted()', false],
    ['[1, 2, 3].sum()', 6n],
    ['[1.5, 2.0].sum()', 3.5],
    ['[4, 2].min()', 2n],
    ['["x", "y"].max()', 'y'],
    ['self.tags.indexOf("b")', 1n],
    ['self.tags.lastIndexOf("z")', -1n],
    ['"abc 123".find("[0-9]+")', '123'],
    ['"a1b22".findAll("[0-9]+")', ['1', '22']],
    ['"a1b22".findAll("[0-9]+", 1)', ['1']],
    ['self.name.matches("^w.b$")', true],
    ['matches("x", "y")', false],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('[].min() == 1'), CelEvaluationError);
  t.throws(() => run('"a".matches(self.name + "(")'), CelEvaluationError);
});

/** The messages of kube-apiserver 1.36.3: the errors that are marked in the expression by the columns. */
const errors = (expression: string, ...found: readonly (readonly [column: number, text: string])[]): string =>
  `compilation failed: ${found
    .map(([column, text]) => `ERROR: <input>:1:${column}: ${text}\n | ${expression}\n | ${'.'.repeat(column - 1)}^`)
    .join('\n')}`;

t.test('all errors of types are reported, in the order of their places', async (t) => {
  const undeclared = (name: string) => `undeclared reference to '${name}' (in container '')`;
  const overload = (name: string, types: string) => `found no matching overload for '${name}' applied to '${types}'`;
  type Found = readonly (readonly [column: number, text: string])[];
  const cases: readonly (readonly [expression: string, found: Found])[] = [
    [
      'foo && bar && baz',
      [
        [1, undeclared('foo')],
        [8, undeclared('bar')],
        [15, undeclared('baz')],
      ],
    ],
    [
      '[a, b, c]',
      [
        [2, undeclared('a')],
        [5, undeclared('b')],
        [8, undeclared('c')],
      ],
    ],
    [
      '{a: b}',
      [
        [2, undeclared('a')],
        [5, undeclared('b')],
      ],
    ],
    [
      'foo(a)',
      [
        [4, undeclared('foo')],
        [5, undeclared('a')],
      ],
    ],
    [
      'a.b.c(d)',
      [
        [1, undeclared('a')],
        [6, undeclared('c')],
        [7, undeclared('d')],
      ],
    ],
    [
      'true ? foo : bar',
      [
        [8, undeclared('foo')],
        [14, undeclared('bar')],
      ],
    ],
    [
      'size(1) + size(true)',
      [
        [5, overload('size', '(int)')],
        [15, overload('size', '(bool)')],
      ],
    ],
    [
      '1 + "a" == 2 && true + 1 == 3',
      [
        [3, overload('_+_', '(int, string)')],
        [22, overload('_+_', '(bool, int)')],
      ],
    ],
    [
      '[1,2].all(x, x == "a" && z)',
      [
        [16, overload('_==_', '(int, string)')],
        [26, undeclared('z')],
      ],
    ],
    [
      'self.no == 1 && self.nor == 2',
      [
        [5, "undefined field 'no'"],
        [21, "undefined field 'nor'"],
      ],
    ],
  ];
  for (const [expression, found] of cases) {
    t.throws(() => env.compile(expression, 'bool'), { message: errors(expression, ...found) }, expression);
  }
  const many = Array.from({ length: 30 }, (_, i) => `v${i}`).join(' && ');
  const refusal = () => env.compile(many, 'bool');
  t.throws(
    refusal,
    {
      message: errors(
        many,
        ...Array.from({ length: 20 }, (_, i) => [many.indexOf(`v${i}`) + 1, undeclared(`v${i}`)] as const),
      ),
    },
    'with a bound',
  );
});

t.test('errors of the grammar', async (t) => {
  const eof = "Syntax error: mismatched input '<EOF>' expecting ";
  const cases: readonly (readonly [expression: string, column: number, text: string])[] = [
    ['a b', 3, "Syntax error: extraneous input 'b' expecting <EOF>"],
    ['true "x"', 6, 'Syntax error: extraneous input \'"x"\' expecting <EOF>'],
    ['true b c', 6, "Syntax error: mismatched input 'b' expecting <EOF>"],
    ['[1,2', 5, `${eof}{']', ','}`],
    ['{"a":1', 7, `${eof}{'}', ','}`],
    ['a ? b', 6, `${eof}':'`],
    ['if', 1, 'reserved identifier: if'],
    ['1 = 42', 3, "Syntax error: token recognition error at: '= '"],
    ['1 & 2', 3, "Syntax error: token recognition error at: '& '"],
    ['1 |', 3, "Syntax error: token recognition error at: '|'"],
    ['1 # 2', 3, "Syntax error: token recognition error at: '#'"],
    ['1 == "a', 6, "Syntax error: token recognition error at: '\"a'"],
  ];
  for (const [expression, column, text] of cases) {
    t.throws(() => env.compile(expression, 'bool'), { message: errors(expression, [column, text]) }, expression);
  }
  t.throws(() => env.compile('', 'bool'), { message: /^compilation failed: ERROR: <input>:1:0: .*IDENTIFIER}$/ });
});

t.test('what does not compile is refused, with the place', async (t) => {
  const cases: readonly (readonly [expression: string, message: RegExp])[] = [
    ['self.nope == 1', /ERROR: <input>:1:5: undefined field 'nope'\n \| self\.nope == 1\n \| \.{4}\^/],
    ['nobody > 1', /undeclared reference to 'nobody' \(in container ''\)/],
    ['self.replicas > "a"', /<input>:1:15: found no matching overload for '_>_' applied to '\(int, string\)'/],
    ['self.replicas >', /ERROR: <input>:1:1/],
    ['self.name.upper()', /<input>:1:16: undeclared reference to 'upper' \(in container ''\)/],
    ['self.name.size(1)', /<input>:1:15: found no matching overload for 'size' applied to 'string.\(int\)'/],
    ['size(1) == 1', /<input>:1:5: found no matching overload for 'size' applied to '\(int\)'/],
    ['sets.contains(self.tags, 1)', /<input>:1:14: .* for 'sets.contains' applied to '\(list\(string\), int\)'/],
    ['self.name && true', /<input>:1:5: expected type 'bool' but found 'string'/],
    ['!self.name', /<input>:1:1: found no matching overload for '!_' applied to '\(string\)'/],
    ['self.name in [1]', /<input>:1:11: .* for '@in' applied to '\(string, list\(int\)\)'/],
    ['self.tags["a"] == "b"', /<input>:1:10: .* for '_\[_\]' applied to '\(list\(string\), string\)'/],
    ['self.replicas.all(x, true)', /<input>:1:5: expression of type 'int' cannot be range of a comprehension/],
    ['self.tags.all(x, x)', /<input>:1:18: expected type 'bool' but found 'string'/],
    ['has(self)', /<input>:1:5: invalid argument to has\(\) macro/],
    ['self.name ==', /<input>:1:13: Syntax error: mismatched input '<EOF>' expecting/],
    ['"a".matches("(")', /<input>:1:13: invalid matches argument/],
    ['duration("x") == duration("1h")', /<input>:1:10: invalid duration argument/],
    ['timestamp("x") == timestamp("y")', /<input>:1:11: invalid timestamp argument/],
    ['int("x") == 1', /^program instantiation failed: type conversion error from 'string' to 'int'$/],
    ['uint(-1) == 1u', /^program instantiation failed: unsigned integer overflow$/],
    ['self.name.find("(") == ""', /^program instantiation failed: error parsing regexp: missing closing \): `\(`$/],
    ['self.replicas', /must evaluate to bool but got int/],
    [`"${'a'.repeat(70_000)}" == "b"`, /longer than 65536 bytes/],
  ];
  for (const [expression, message] of cases) {
    t.throws(() => env.compile(expression, 'bool'), { name: 'CelCompileError', message }, expression.slice(0, 40));
  }
  t.ok(new CelCompileError('x') instanceof Error);
});

t.test('an evaluation that fails says why', async (t) => {
  const cases: readonly (readonly [expression: string, message: string])[] = [
    ['1 / (self.replicas - 3) == 1', 'division by zero'],
    ['self.tags[7] == "x"', 'index out of bounds: 7'],
    ['self.labels["none"] == "x"', 'no such key: none'],
    ['9223372036854775807 + 1 == 0', 'integer overflow'],
    ['self.replicas % 0 == 1', 'modulus by zero'],
    ['optional.none().value() == 1', 'optional.none() dereference'],
    ['int(self.name) == 1', "type conversion error from 'string' to 'int'"],
    ['dyn(self.name) < dyn(1)', 'no such overload'],
  ];
  for (const [expression, message] of cases) {
    t.throws(() => run(expression), { name: 'CelEvaluationError', message }, expression);
  }
});

t.test('cost', async (t) => {
  const tags = Array.from({ length: 2000 }, (_, i) => `tag-${i}`);
  const nested = 'self.tags.all(x, self.tags.all(y, x + y != "z"))';
  t.throws(
    () => run(nested, { self: { tags } }),
    new CostExceeded('call'),
    'four million comparisons are more than one evaluation may cost',
  );
  t.throws(
    () => run(`${nested} || true`, { self: { tags } }),
    new CostExceeded('call'),
    'the other branch does not hide it',
  );
  const long = 'x'.repeat(200_000);
  t.throws(
    () => run('self.tags.all(x, x.contains("y") || true)', { self: { tags: Array(100).fill(long) } }),
    new CostExceeded('call'),
    'long texts count by their length',
  );
  const budget = new CostBudget(100);
  const program = env.compile('self.tags.all(x, x != "")', 'bool');
  t.equal(program.run({ self: { tags: ['a', 'b'] } }, budget), true);
  t.throws(() => program.run({ self: { tags } }, budget), new CostExceeded('all'), 'all evaluations together');
  t.equal(
    program.run({ self: { tags } }, new CostBudget(matchConditionsLimit)),
    true,
    'the next object has its own budget',
  );
});

t.test('work of one function that takes long is counted before it is done', async (t) => {
  const tags = Array.from({ length: 15_000 }, (_, i) => `${i}`);
  const zone = "timestamp('2026-01-01T00:00:00Z').getHours('America/New_York') >= 0";
  const cases: readonly (readonly [expression: string, self: object])[] = [
    [`self.tags.all(x, ${zone})`, { tags }],
    ["self.name.matches('(a?){900}(b|c)$')", { name: 'a'.repeat(500_000) }],
    ["self.name.find('(a?){900}(b|c)$') == ''", { name: 'a'.repeat(500_000) }],
    ["self.name.findAll('a(.*b)?').size() > 0", { name: 'a'.repeat(20_000) }],
    ["self.tags.exists(x, 'a'.matches('(a{1000}|b{900})' + x))", { tags }],
    ["duration(self.name) > duration('1h')", { name: '1'.repeat(100_000) }],
    ['self.tags.exists(x, self.tags.exists(y, 1 / 0 == 1))', { tags }],
  ];
  for (const [expression, self] of cases) {
    const budget = new CostBudget(10_000_000, new CostBudget(250_000));
    t.throws(() => env.compile(expression, 'bool').run({ self }, budget), { name: 'CostExceeded' }, expression);
  }
  const name = 'a'.repeat(20_000);
  t.equal(run("self.name.replace('a', 'b', 19999) != self.name", { self: { name } }), true);
  t.equal(run("self.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')", { self: { name: 'web-1' } }), true);
  t.equal(run(zone), true);
});

t.test('values that JavaScript refuses are errors of the expression', async (t) => {
  const expression = "timestamp('2026-01-01T00:00:00Z').getHours('America/Nowhere') == 1";
  t.throws(() => run(expression), { name: 'CelEvaluationError', message: 'unknown time zone America/Nowhere' });
});

t.test('a pattern that JavaScript would search for ever takes no time', async (t) => {
  t.equal(run('self.name.matches("^(a+)+$")', { self: { name: `${'a'.repeat(40)}!` } }), false);
});
