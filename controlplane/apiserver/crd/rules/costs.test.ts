// Estimated costs of rules: the numbers that a real kube-apiserver 1.36 names for them, and its words.
import t from 'tap';
import { startApiServer } from '../../../../test/lib/api-server';
import type { Definition } from '../../../api/schema/schema';
import { SchemaRules } from './compile';
import { EstimatedCosts } from './costs';

const text = (maxLength?: number): Definition => ({
  type: 'string',
  ...(maxLength === undefined ? {} : { maxLength }),
});
const list = (items: Definition, maxItems?: number): Definition => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
});
const object = (properties: Record<string, Definition>): Definition => ({ type: 'object', properties });
const integer: Definition = { type: 'integer' };

const properties: Record<string, Definition> = {
  a: text(),
  b: text(),
  s: text(64),
  t: text(10),
  f: { type: 'boolean' },
  at: { type: 'string', format: 'date-time' },
  either: { 'x-kubernetes-int-or-string': true, maxLength: 12 },
  ls: list(text(20), 10),
  los: list(object({ name: text(10), ports: list(integer, 5) }), 50),
  mp: { type: 'object', additionalProperties: text() },
  ms: { type: 'object', additionalProperties: text(5), maxProperties: 7 },
  o: object({ x: text(), y: object({ z: integer }) }),
};

const cases: readonly (readonly [rule: string, cost: number])[] = [
  ['self.a == self.b', 314_577],
  ['self.s.contains(self.t)', 108],
  ["self.a.matches('^[a-z]+$')", 629_148],
  ['self.ls.all(x, self.ls.all(y, x == y))', 1363],
  ["self.ls.exists(x, x.startsWith('a'))", 63],
  ["self.ls.exists_one(x, x == 'q')", 44],
  ["self.ls.map(x, x + 'b').size() > 2", 235],
  ["self.ls.filter(x, x != 'b').all(y, y == 'c')", 204],
  ['self.los.all(x, self.los.exists_one(y, y.name == x.name))', 25_353],
  ['has(self.o.x) && self.o.y.z > 3', 7],
  ["self.s.replace('a','bb').replace('b','ccc').matches('xyz*')", 311],
  ["self.ls.join(',') == 'a'", 84],
  ['sets.equivalent(self.ls, self.ls)', 205],
  ['cidr(self.s).containsCIDR(self.t)', 41],
  ["quantity(self.s).isLessThan(quantity('1Ki'))", 30],
  ['(self.f ? self.a : self.b) == self.s', 32],
  ["self.ls.transformList(i, v, i > 1, v).all(x, x == 'a')", 204],
  ["self.ms.transformMap(k, v, v + 'x').size() > 1", 84],
  ['self.los.sortBy(x, x.name).size() > 0', 5988],
  ['self.ls.distinct().size() == 3', 215],
  ["!format.named('uuid').value().validate(self.s).hasValue()", 838],
  ["self.ls.reverse()[0] == 'a'", 24],
  ["[self.s, self.t].all(x, x.contains('a'))", 23],
  ['self.at == self.at', 8],
  ['self.either == self.either', 9],
];

t.test('a rule costs as much as in upstream', async (t) => {
  const rules = new SchemaRules(
    { ...object(properties), 'x-kubernetes-validations': cases.map(([rule]) => ({ rule })) },
    false,
  );
  for (const [i, [rule, cost]] of cases.entries()) {
    const { program } = rules.at(i);
    t.equal('estimate' in program ? program.estimate(rules.sizes!) : program.message, cost, rule);
  }
});

t.test('the words of upstream', async (t) => {
  const advice =
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
  const costs = new EstimatedCosts();
  const texts = (cost: number) => costs.observe('rule', cost, 'estimated rule cost').map(({ message }) => message);
  const exceeds = (factor: string) => [
    `Forbidden: estimated rule cost exceeds budget by factor of ${factor} ${advice}`,
  ];
  t.same(texts(10_000_000), []);
  t.same(texts(10_000_001), exceeds('1.000000x'));
  t.same(texts(12_583_000), exceeds('1.258300x'));
  t.same(texts(33_500_000), exceeds('3.4x'));
  t.same(costs.causes('schema'), []);
  t.same(texts(2_000_000_000), exceeds('more than 100x'));
  t.same(
    costs.causes('schema').map(({ field, message }) => `${field}: ${message}`),
    [
      ...Array(4).fill(
        'rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      ),
      `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of 20.7x ${advice}`,
    ],
  );
});

t.test('a definition with a rule that could cost too much is refused', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const definition = (maxItems?: number) => ({
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: object({
              spec: object({
                names: {
                  ...list(text(20), maxItems),
                  'x-kubernetes-validations': [{ rule: 'self.all(x, self.all(y, x == y))' }],
                },
              }),
            }),
          },
        },
      ],
    },
  });
  const send = (maxItems?: number) =>
    server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All', {
      body: definition(maxItems),
    });
  const refused = await send();
  t.equal(refused.status, 422);
  const schema = 'spec.validation.openAPIV3Schema';
  const rule = `${schema}.properties[spec].properties[names].x-kubernetes-validations[0].rule`;
  t.same(
    refused.json.details.causes.map(({ field }: { field: string }) => field),
    [rule, rule, schema],
  );
  t.equal((await send(100)).status, 201);
});
