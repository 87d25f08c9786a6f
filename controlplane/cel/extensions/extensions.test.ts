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
