// The functions that Kubernetes adds, as expressions use them.
import t from 'tap';
import { CostBudget, matchConditionsLimit } from '../budget';
import { CelEnvironment } from '../engine';

const environment = new CelEnvironment({ self: 'dyn' });
const run = (expression: string) =>
  environment.compile(expression, 'dyn').run({}, new CostBudget(matchConditionsLimit));

t.test('quantity', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['isQuantity("1.5Gi")', true],
    ['isQuantity("1.5G i")', false],
    ['quantity("1Gi").isGreaterThan(quantity("1G"))', true],
    ['quantity("500m").isLessThan(quantity("1"))', true],
    ['quantity("1Ki") == quantity("1024")', true],
    ['quantity("1").compareTo(quantity("2"))', -1n],
    ['quantity("-3").sign()', -1n],
    ['quantity("1.5k").asInteger()', 1500n],
    ['quantity("1500m").isInteger()', false],
    ['quantity("1500m").asApproximateFloat()', 1.5],
    ['quantity("1").add(quantity("500m")) == quantity("1500m")', true],
    ['quantity("1").add(2).sub(1) == quantity("2")', true],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('quantity("x")'), { name: 'CelEvaluationError', message: /^quantities must match/ });
  t.throws(() => run('quantity("1500m").asInteger()'), { message: 'cannot convert value to integer' });
});

t.test('semver', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['isSemver("1.2.3-rc.1+build.5")', true],
    ['isSemver("v1.2")', false],
    ['isSemver("v1.02", true)', true],
    ['isSemver("01.2.3")', false],
    ['semver("v1.02", true) == semver("1.2.0")', true],
    ['semver("1.10.0").isGreaterThan(semver("1.9.9"))', true],
    ['semver("1.0.0-rc.1").isLessThan(semver("1.0.0"))', true],
    ['semver("1.0.0-2").compareTo(semver("1.0.0-10"))', -1n],
    ['semver("1.0.0-2").compareTo(semver("1.0.0-a"))', -1n],
    ['semver("1.0.0-a.b").compareTo(semver("1.0.0-a"))', 1n],
    ['semver("1.0.0+a").compareTo(semver("1.0.0+b"))', 0n],
    ['[semver("1.2.3").major(), semver("1.2.3").minor(), semver("1.2.3").patch()]', [1n, 2n, 3n]],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('semver("x")'), { name: 'CelEvaluationError' });
});

t.test('addresses', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['isIP("10.0.0.1")', true],
    ['isIP("10.0.0.256")', false],
    ['ip("10.0.0.1").family()', 4n],
    ['ip("::1").isLoopback()', true],
    ['ip("0.0.0.0").isUnspecified()', true],
    ['ip("169.254.1.1").isLinkLocalUnicast()', true],
    ['ip("224.0.0.5").isLinkLocalMulticast()', true],
    ['ip("8.8.8.8").isGlobalUnicast()', true],
    ['ip("255.255.255.255").isGlobalUnicast()', false],
    ['string(ip("2001:db8:0::1"))', '2001:db8::1'],
    ['ip.isCanonical("2001:db8::1")', true],
    ['ip.isCanonical("2001:DB8::1")', false],
    ['ip("::1") == ip("0:0::1")', true],
    ['isCIDR("10.0.0.0/8")', true],
    ['isCIDR("10.0.0.0/33")', false],
    ['isCIDR("10.0.0.0")', false],
    ['cidr("10.0.0.0/8").containsIP("10.200.0.1")', true],
    ['cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))', false],
    ['cidr("10.0.0.0/8").containsIP("::1")', false],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', true],
    ['cidr("10.0.0.0/8").containsCIDR(cidr("10.0.0.0/7"))', false],
    ['cidr("10.1.2.3/8").prefixLength()', 8n],
    ['string(cidr("10.1.2.3/8"))', '10.1.2.3/8'],
    ['string(cidr("10.1.2.3/8").masked())', '10.0.0.0/8'],
    ['cidr("10.1.2.3/8").ip() == ip("10.1.2.3")', true],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('ip("x")'), { name: 'CelEvaluationError', message: /^IP Address "x" parse error/ });
});

t.test('URLs', async (t) => {
  const url = 'url("https://user@example.com:8443/a%20b?q=1&q=2&r#f")';
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['isURL("https://example.com")', true],
    ['isURL("/path")', true],
    ['isURL("example.com")', false],
    ['isURL("https://a b")', false],
    [`${url}.getScheme()`, 'https'],
    [`${url}.getHost()`, 'example.com:8443'],
    [`${url}.getHostname()`, 'example.com'],
    [`${url}.getPort()`, '8443'],
    [`${url}.getEscapedPath()`, '/a%20b'],
    [`${url}.getQuery()`, { q: ['1', '2'], r: [''] }],
    ['url("http://[::1]:80/").getHostname()', '::1'],
    ['url("/path").getScheme()', ''],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
});

t.test('sets', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['sets.contains([1, 2, 3], [2])', true],
    ['sets.contains([1], [1, 2])', false],
    ['sets.equivalent([1, 2], [2, 1, 1])', true],
    ['sets.intersects(["a"], ["b", "a"])', true],
    ['sets.intersects(["a"], ["b"])', false],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
});

t.test('optional values, and optional parts of literals', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['optional.of(2).optMap(x, x + 1).value()', 3n],
    ['optional.none().optMap(x, x).hasValue()', false],
    ['{"a": {"b": 1}}.?a.optFlatMap(x, x.?b).orValue(0)', 1n],
    ['optional.ofNonZeroValue("").hasValue()', false],
    ['optional.ofNonZeroValue([1]).hasValue()', true],
    ['optional.none() == null', false],
    ['optional.of(1) != null', true],
    ['null == optional.of(1)', false],
    ['null != optional.none()', true],
    ['format.dns1123Label().validate("a") == null', false],
    ['[?optional.of(1), ?optional.none(), 3]', [1n, 3n]],
    ['[1, true ? 2 : 3, ?optional.none()]', [1n, 2n]],
    ['{?"a": optional.of(1), ?"b": optional.none(), "c": 3}', { a: 1n, c: 3n }],
    ['{true ? "a" : "b": 1, ?"c": optional.of(2)}', { a: 1n, c: 2n }],
    ['[[1, 2][?5].orValue(7), {"a": 1}[?"a"].orValue(0)]', [7n, 1n]],
    ["['{a: ?', r'[?', '''{\n?'''] // {? no literal", ['{a: ?', '[?', '{\n?']],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
});

t.test('comprehensions with two variables', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['[1, 2, 3].all(i, v, i < v)', true],
    ['{"a": 1, "b": 2}.exists(k, v, k == "b" && v == 2)', true],
    ['{"a": 1, "b": 2}.existsOne(k, v, v > 1)', true],
    ['["x"].exists_one(i, v, i == 0)', true],
    ['[5, 6].transformList(i, v, v - i)', [5n, 5n]],
    ['[5, 6].transformList(i, v, i > 0, v)', [6n]],
    ['{"a": 1}.transformMap(k, v, v + 1)', { a: 2n }],
    ['{"a": 1, "b": 2}.transformMap(k, v, k != "a", v)', { b: 2n }],
    ['["a", "b"].transformMapEntry(i, v, {v: i})', { a: 0n, b: 1n }],
    ['["a"].transformMap(i, v, v)[0]', 'a'],
    // An error of one entry does not count when another decides.
    ['[0, 1].exists(i, v, 1 / v == 1)', true],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('[0, 1].all(i, v, 1 / v == 1)'), { message: 'division by zero' });
  t.throws(() => run('["a", "a"].transformMapEntry(i, v, {v: i})'), { message: /key a already exists/ });
  t.throws(() => run('[1].all(i, v, v + 1)'), { name: 'CelCompileError', message: /expected type 'bool'/ });
  t.throws(() => run('"a".all(i, v, true)'), {
    name: 'CelCompileError',
    message: /cannot be range of a comprehension/,
  });
});

t.test('semver', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['isSemver("1.0.0-alpha.1+b")', true],
    ['isSemver("v1.0")', false],
    ['isSemver("v1.0", true)', true],
    ['semver("v01.2", true) == semver("1.2.0")', true],
    ['semver("1.2.3").major() + semver("1.2.3").minor() + semver("1.2.3").patch()', 6n],
    ['semver("1.10.0").isGreaterThan(semver("1.9.0"))', true],
    ['semver("1.0.0-alpha.2").isLessThan(semver("1.0.0-alpha.10"))', true],
    ['semver("1.0.0-alpha").isLessThan(semver("1.0.0"))', true],
    ['semver("1.0.0-1").compareTo(semver("1.0.0-a"))', -1n],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('semver("1")'), { message: 'No Major.Minor.Patch elements found' });
});

t.test('format, times and JSON pointers', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['"%s has %d%%".format(["a", dyn(3)])', 'a has 3%'],
    ['"%s %s %s".format([dyn(1), dyn({"b": [1], "a": []}), 1.5])', '1 {"a":[], "b":[1]} 1.5'],
    [
      '"%.2f %e %b %o %x %X".format([dyn(1.5), dyn(1000.0), 5, 8, 255, dyn("ab")])',
      '1.50 1.000000×10⁰³ 101 10 ff 6162',
    ],
    ['"%s %s".format([dyn(timestamp("2026-01-02T03:04:10Z")), duration("90s")])', '2026-01-02T03:04:10Z 90s'],
    ['string(timestamp("2026-01-02T03:04:05.500Z"))', '2026-01-02T03:04:05.5Z'],
    ['int(timestamp("1970-01-01T00:00:01Z"))', 1n],
    ...['Asia/Tokyo', '+09:00', '9:0'].map(
      (zone) => [`timestamp("2026-12-31T23:30:00Z").getHours("${zone}")`, 8n] as const,
    ),
    ['timestamp("2026-12-31T23:30:00Z").getDayOfYear("Asia/Tokyo")', 0n],
    ['timestamp("2026-12-31T23:30:00Z").getDayOfYear("-01:30")', 364n],
    ['timestamp("2026-03-29T02:30:00.250Z").getHours("Europe/Berlin")', 4n],
    ['timestamp("2026-03-29T02:30:00.250Z").getMilliseconds("Europe/Berlin")', 250n],
    ['timestamp("2026-03-29T02:30:00Z").getMinutes("-02:10")', 20n],
    ['timestamp("0026-03-01T00:30:00Z").getFullYear("")', 26n],
    ['jsonpatch.escapeKey("k8s.io/a~b")', 'k8s.io~1a~0b'],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  t.throws(() => run('timestamp("2026-03-29T02:30:00Z").getHours("x:30")'), {
    name: 'CelEvaluationError',
    message: 'strconv.Atoi: parsing "x": invalid syntax',
  });
  t.throws(() => run('timestamp("2026-03-29T02:30:00Z").getHours("+0900")'), { message: 'unknown time zone +0900' });
  t.throws(() => run('"%d".format(["x"])'), {
    name: 'CelEvaluationError',
    message: 'error during formatting: decimal clause can only be used on integers, was given string',
  });
  t.throws(() => run('"%s %s".format(["x"])'), { message: 'index 1 out of range' });
  t.throws(() => run('"%y".format([1])'), { message: /unrecognized formatting clause "y"/ });
});

t.test('elements of one type; a value of unknown type fits all', async (t) => {
  const check = (expression: string) => environment.compile(expression, 'dyn').type;
  t.equal(check('[self.a, "x"]'), 'list');
  t.equal(check('{"a": self.b, "c": "x"}'), 'map<string, dyn>');
  for (const [expression, message] of [
    ['[1, "x"]', /1:5: expected type 'int' but found 'string'/],
    ['[self.a, 1, "x"]', /expected type 'int' but found 'string'/],
    ['{"a": 1, "b": true}', /expected type 'int' but found 'bool'/],
    ['Foo{a: 1}', /1:4: undeclared reference to 'Foo' \(in container ''\)/],
  ] as const) {
    t.throws(() => check(expression), { name: 'CelCompileError', message }, expression);
  }
});

t.test('a short expression makes no text of gigabytes', async (t) => {
  const text = 'a'.repeat(20_000);
  t.throws(() => run(`"${text}".replace("a", "${text}")`), { message: 'the result of replace is too long' });
  t.throws(() => run(`"${'%s'.repeat(2000)}".format([1, 2].map(x, "${text}"))`), {
    message: /out of range|too long/,
  });
});

t.test('a text is replaced a number of times', async (t) => {
  for (const [expression, result] of [
    ['"aaa".replace("a", "b", 2)', 'bba'],
    ['"aaa".replace("a", "aa", 2)', 'aaaaa'],
    ['"ab".replace("", "-", 2)', '-a-b'],
    ['"ab".replace("", "-", 9)', '-a-b-'],
    ['"ab".replace("b", "", 0)', 'ab'],
    ['"abab".replace("ab", "", 5)', ''],
  ] as const) {
    t.equal(run(expression), result, expression);
  }
});

// The values and errors are those of a real kube-apiserver 1.36.
t.test('lists that are made anew', async (t) => {
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['[1, 2, 2, 3, 3].distinct()', [1n, 2n, 3n]],
    ['[{"a": 1}, {"a": 1}].distinct().size()', 1n],
    ['[[1], [2, 3], []].flatten()', [1n, 2n, 3n]],
    ['[3, 1, 2].sort()', [1n, 2n, 3n]],
    ['["b", "a", "C"].sort()', ['C', 'a', 'b']],
    ['["ccc", "a", "bb"].sortBy(x, x.size())', ['a', 'bb', 'ccc']],
    ['[1, 2, 3, 4].slice(1, 3)', [2n, 3n]],
    ['lists.range(3)', [0n, 1n, 2n]],
    ['lists.range(-3)', []],
    ['[1, 2, 3].reverse()', [3n, 2n, 1n]],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  const errors: readonly (readonly [expression: string, message: string])[] = [
    ['[1, 2].slice(1, 5)', 'cannot slice(1, 5), list is length 2'],
    ['[1, 2].slice(2, 1)', 'cannot slice(2, 1), start index must be less than or equal to end index'],
    ['[1, 2].slice(-1, 1)', 'cannot slice(-1, 1), negative indexes not supported'],
  ];
  for (const [expression, message] of errors) t.throws(() => run(expression), { message }, expression);
});

t.test('named formats', async (t) => {
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric " +
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['format.dns1123Label().validate("abc").hasValue()', false],
    ['format.named("dns1123Label").value().validate("A_b").value()', [label]],
    ['format.named("nope").hasValue()', false],
    ['format.dns1123LabelPrefix().validate("a-").hasValue()', false],
    ['format.dns1035LabelPrefix().validate("9-").hasValue()', false],
    ['format.uri().validate("x y").value()', ['parse "x y": invalid URI for request']],
    ['format.uuid().validate("x").value()', ['does not match the UUID format']],
    ['format.byte().validate("%%").value()', ['invalid base64']],
    ['format.date().validate("2020-13-01").value()', ['invalid date']],
    ['format.datetime().validate("2020-01-01T00:00:00Z").hasValue()', false],
    ['strings.quote("a\\"b\\n")', '"a\\"b\\n"'],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
});

t.test('texts that are no address, range, version or integer', async (t) => {
  const ip = (text: string, why: string) =>
    [
      `ip("${text}")`,
      `IP Address "${text}" parse error during conversion from string: ParseAddr("${text}"): ${why}`,
    ] as const;
  const failed = 'network address parse error during conversion from string: ';
  const cidr = (text: string, why: string) =>
    [`cidr("${text}")`, `${failed}${failed}netip.ParsePrefix("${text}"): ${why}`] as const;
  const cases: readonly (readonly [expression: string, message: string])[] = [
    ip('01.2.3.4', 'IPv4 field has octet with leading zero'),
    ip('x', 'unable to parse IP'),
    ip('1.2.3', 'IPv4 address too short'),
    ip('1.2.3.256', 'IPv4 field has value >255'),
    ip('1.2.3.4.5', 'IPv4 address too long'),
    ip('1..2.3', 'IPv4 field must have at least one digit (at ".2.3")'),
    ip('::g', 'each colon-separated field must have at least one digit (at "g")'),
    ip('1:2:3:4:5:6:7:8:9', 'trailing garbage after address (at "9")'),
    ['ip("::ffff:1.2.3.4")', 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'],
    ['ip("fe80::1%eth0")', 'IP address "fe80::1%eth0" with zone value is not allowed'],
    cidr('x', "no '/'"),
    cidr('1.2.3.4/33', 'prefix length out of range'),
    cidr('1.2.3.4/a', 'bad bits after slash: "a"'),
    cidr('1.2.3/8', 'ParseAddr("1.2.3"): IPv4 address too short'),
    ['semver("a.b.c")', 'Invalid character(s) found in major number "a"'],
    ['semver("1.2.3.4")', 'Invalid character(s) found in patch number "3.4"'],
    ['semver("01.2.3")', 'Major number must not contain leading zeroes "01"'],
    ['semver("1.2.3-")', 'Prerelease is empty'],
    ['quantity("1.5Gi").asInteger()', 'cannot convert value to integer'],
  ];
  for (const [expression, message] of cases) t.throws(() => run(expression), { message }, expression);
});

t.test('values in texts', async (t) => {
  const cases: readonly (readonly [expression: string, value: string])[] = [
    ['[dyn("a"), dyn(1.5), dyn(true), dyn(null)]', '["a", 1.500000, true, null]'],
    ['[duration("1m")]', '[duration("60s")]'],
    ['[timestamp("2020-01-01T00:00:00Z")]', '[timestamp("2020-01-01T00:00:00Z")]'],
    ['[b"a"]', '[b"a"]'],
    ['{"a": 1}', '{"a":1}'],
    ['type(1)', 'int'],
    ['1e20', '1e+20'],
    ['1.0 / 0.0', '+Inf'],
  ];
  for (const [expression, value] of cases) t.equal(run(`"%s".format([${expression}])`), value, expression);
  t.equal(run('"%f".format([1234567.0])'), '1,234,567.000000');
  t.equal(run('"%.3e".format([12.3])'), '1.230000×10⁰¹');
  t.throws(() => run('"%s".format([optional.of(1)])'), {
    message:
      'error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, ' +
      'durations, and timestamps, was given optional_type',
  });
});
