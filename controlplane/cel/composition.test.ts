// Variables that are expressions, messages and the authorizer: what policies have beyond rules.
import t from 'tap';
import { CostBudget, policyLimit } from './budget';
import { CelEnvironment } from './engine';
import {
  authorizerType,
  CelAuthorizer,
  CelResourceCheck,
  type ResourceCheck,
  registerAuthorizer,
  resourceCheckType,
  type UserAuthorizer,
} from './extensions/authorizer';
import { mutationMessages, registerMutationMessages } from './extensions/literals';
import { toJson } from './to-json';

t.test('a variable has the type of its expression, and is evaluated once, when it is read', async (t) => {
  const environment = new CelEnvironment({ object: 'dyn' });
  const first = environment.compile('object.count + 1', 'dyn');
  environment.declare('variables.first', 'int');
  const second = environment.compile('[variables.first, 1 / object.zero]', 'dyn');
  environment.declare('variables.second', second.type);
  t.equal(second.type, 'list<int>');
  t.throws(() => environment.compile('variables.first + "x"', 'dyn'), {
    message: /found no matching overload for '_\+_' applied to '\(int, string\)'/,
  });
  t.throws(() => environment.compile('variables.third', 'dyn'), { message: /undeclared reference to 'variables'/ });

  const budget = new CostBudget(policyLimit);
  let reads = 0;
  const activation = environment.activation({ object: () => ({ count: ++reads, zero: 0 }) });
  activation.define('variables.first', () => first.evaluate(activation.context, budget));
  activation.define('variables.second', () => second.evaluate(activation.context, budget));
  const run = (expression: string) => environment.compile(expression, 'dyn').evaluate(activation.context, budget);
  t.equal(run('true'), true);
  t.equal(reads, 0, 'what no expression reads costs nothing');
  t.equal(run('variables.first == variables.first && [1].all(x, variables.first > x)'), true);
  t.equal(reads, 1);
  environment.declare('variables.map', 'map<string, int>');
  activation.define('variables.map', () => ({ a: 1n }));
  t.strictSame(run('[has(variables.map.a), has(variables.map.b)]'), [true, false]);
  t.equal(run('false && variables.second[0] == 1'), false, 'a variable that fails does not matter when it is not read');
  t.throws(() => run('variables.second[0] == 1'), { name: 'CelEvaluationError', message: 'division by zero' });
});

t.test('a part of an evaluation that costs too much ends the whole', async (t) => {
  const environment = new CelEnvironment({ items: 'dyn' });
  const inner = environment.compile('items.all(x, items.all(y, items.all(z, true)))', 'dyn');
  environment.declare('variables.inner', 'bool');
  const budget = new CostBudget(policyLimit);
  const activation = environment.activation({ items: () => Array(200).fill(1) });
  activation.define('variables.inner', () => inner.evaluate(activation.context, budget));
  const outer = environment.compile('variables.inner || true', 'bool');
  t.throws(() => outer.evaluate(activation.context, budget), { name: 'CostExceeded', limit: 'call' });
});

t.test('budgets that share a limit', async (t) => {
  const environment = new CelEnvironment({ items: 'dyn' });
  const program = environment.compile('items.all(x, true) || true', 'bool');
  const shared = new CostBudget(1000);
  const run = () => program.run({ items: Array(100).fill(1) }, new CostBudget(policyLimit, shared));
  t.equal(run(), true);
  t.throws(
    () => {
      for (let i = 0; i < 10; i++) run();
    },
    { name: 'CostExceeded', limit: 'all' },
  );
  t.throws(run, { name: 'CostExceeded', limit: 'all' }, 'it stays so');
});

t.test('messages', async (t) => {
  const environment = new CelEnvironment({ object: 'dyn' }, registerMutationMessages, mutationMessages);
  const run = (expression: string) =>
    toJson(environment.compile(expression, 'dyn').run({ object: { n: 2, name: 'x' } }, new CostBudget(policyLimit)));
  const cases: readonly (readonly [expression: string, value: unknown])[] = [
    ['Object{}', {}],
    ['Object { spec : Object.spec{replicas: object.n + 1, }, }', { spec: { replicas: 3 } }],
    [
      'Object{metadata: Object.metadata{labels: {"a": object.name}, ?name: object.?none}}',
      { metadata: { labels: { a: 'x' } } },
    ],
    ['object.n > 1 ? Object{kind: "a"} : Object{}', { kind: 'a' }],
    [
      'Object{spec: Object.spec{list: [Object.spec.list{a: 1}, Object.spec.list{b: {"c": true}}]}}',
      {
        spec: { list: [{ a: 1 }, { b: { c: true } }] },
      },
    ],
    [
      '[JSONPatch{op: "add", path: "/a/" + jsonpatch.escapeKey("b/c"), value: {"d": 1}}]',
      [{ op: 'add', path: '/a/b~1c', value: { d: 1 } }],
    ],
    ['{"a": 1}', { a: 1 }],
  ];
  for (const [expression, value] of cases) t.strictSame(run(expression), value, expression);
  const type = (expression: string) => environment.compile(expression, 'dyn').type;
  t.equal(type('object.n > 1 ? Object{} : Object{spec: Object.spec{}}'), 'Object');
  t.equal(type('[JSONPatch{op: "x"}] + [JSONPatch{}]'), 'list<JSONPatch>');
  for (const [expression, message] of [
    ['JSONPatch{opp: 1}', /1:14: undefined field 'opp'/],
    ['Objects{}', /undeclared reference to 'Objects'/],
    ['Object{spec: object.n + "x" + 1}', /1:29: found no matching overload for '_\+_' applied to '\(string, int\)'/],
    ['Object{spec: 1', /ERROR: <input>/],
  ] as const) {
    t.throws(() => type(expression), { name: 'CelCompileError', message }, expression);
  }
});

t.test('the authorizer', async (t) => {
  const asked: string[] = [];
  const userOf = (name: string): UserAuthorizer => ({
    path: (path, verb) => ({ allowed: verb === 'get', reason: asked.push(`${name} ${verb} ${path}`) ? 'r' : '' }),
    resource: (check: ResourceCheck, verb) => {
      asked.push(`${name} ${verb} ${Object.values(check).join(',')}`);
      return { allowed: check.name === 'x', reason: '' };
    },
    serviceAccount: (namespace, account) => userOf(`${namespace}:${account}`),
  });
  const environment = new CelEnvironment({}, registerAuthorizer);
  environment.declare('authorizer', authorizerType);
  environment.declare('authorizer.requestResource', resourceCheckType);
  const user = userOf('u');
  const own = { group: 'g', resource: 'r', subresource: '', namespace: 'n', name: 'x', fieldSelector: '' };
  const activation = environment.activation({
    authorizer: () => new CelAuthorizer(user),
    'authorizer.requestResource': () => new CelResourceCheck(user, own),
  });
  const run = (expression: string) =>
    environment.compile(expression, 'dyn').evaluate(activation.context, new CostBudget(policyLimit));
  t.equal(run("authorizer.path('/healthz').check('get').allowed()"), true);
  t.equal(run("authorizer.path('/x').check('put').reason()"), 'r');
  t.equal(
    run("authorizer.group('apps').resource('d').subresource('s').namespace('n').name('x').check('v').allowed()"),
    true,
  );
  t.equal(run("authorizer.requestResource.check('custom').allowed()"), true);
  t.equal(run("authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').errored()"), false);
  t.equal(run("authorizer.group('').resource('p').fieldSelector('a=b').labelSelector('c').check('list').error()"), '');
  t.strictSame(asked, [
    'u get /healthz',
    'u put /x',
    'u v apps,d,s,n,x,',
    'u custom g,r,,n,x,',
    'a:b get ,pods,,,,',
    'u list ,p,,,,a=b',
  ]);
  t.throws(() => run("authorizer.path(' ')"), { message: 'path must not be empty' });
  t.throws(() => run("authorizer.group('').resource('')"), { message: 'resource must not be empty' });
  t.throws(() => run("authorizer.serviceAccount('a', '!')"), { message: 'Invalid service account name' });
  t.throws(() => run('[1, 2].all(i, range.all(j, true))'), { name: 'CelCompileError' });
});
