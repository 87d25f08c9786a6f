// Integers of custom objects that JavaScript's numbers cannot hold: they come back as they were sent, whatever else is written.
import t from 'tap';
import { define, definition, serve, version } from '../../../test/lib/custom-definitions';

const path = '/apis/stable.example.com/v1/namespaces/default/counters';
const largest = '9223372036854775807';
const counter = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: {
        count: { type: 'integer', minimum: -(2 ** 53), multipleOf: 1 },
        few: { type: 'integer', maximum: 100 },
        seen: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'integer' } },
      },
      'x-kubernetes-validations': [{ rule: '!has(self.count) || self.count > 9007199254740992' }],
    },
  },
};

t.test('large integers of custom objects are kept exactly', async (t) => {
  const server = await serve(t);
  const columns = [{ name: 'Count', type: 'integer', jsonPath: '.spec.count' }];
  const v1 = version('v1', { schema: { openAPIV3Schema: counter }, additionalPrinterColumns: columns });
  await define(server, definition('counters', 'Counter', { versions: [v1] }));
  const body = (name: string, spec: string) =>
    `{"apiVersion":"stable.example.com/v1","kind":"Counter","metadata":{"name":"${name}"},"spec":${spec}}`;
  const created = await server.call('POST', path, { body: body('a', `{"count":${largest},"free":-9007199254740993}`) });
  t.equal(created.status, 201);
  const has = (text: string, ...parts: readonly string[]) => {
    for (const part of parts) t.ok(text.includes(part), `${part} in ${text.slice(0, 400)}`);
  };
  has(created.text, `"count":${largest}`, '"free":-9007199254740993');

  const merged = await server.call('PATCH', `${path}/a`, {
    type: 'application/merge-patch+json',
    body: '{"metadata":{"labels":{"a":"b"}},"spec":{"seen":[9007199254740993,9007199254740995]}}',
  });
  has(merged.text, `"count":${largest}`, '"seen":[9007199254740993,9007199254740995]');
  const tested = await server.call('PATCH', `${path}/a`, {
    type: 'application/json-patch+json',
    body: `[{"op":"test","path":"/spec/count","value":${largest}},{"op":"add","path":"/spec/more","value":9007199254740997}]`,
  });
  has(tested.text, `"count":${largest}`, '"more":9007199254740997');
  const applied = await server.call('PATCH', `${path}/a?fieldManager=me`, {
    type: 'application/apply-patch+yaml',
    body: body('a', '{"seen":[9007199254740993,9007199254740999]}'),
  });
  t.equal(applied.status, 200, applied.text.slice(0, 300));
  has(applied.text, '"v:9007199254740999":{}', '9007199254740995,9007199254740999');
  const again = await server.call('PATCH', `${path}/a?fieldManager=me`, {
    type: 'application/apply-patch+yaml',
    body: body('a', '{"seen":[9007199254740993]}'),
  });
  t.notOk(again.text.includes('9007199254740999'), 'the owner has let go of an element');

  const { text } = await server.call('GET', `${path}/a`);
  has(text, `"count":${largest}`, '"free":-9007199254740993');
  const replaced = await server.call('PUT', `${path}/a`, { body: text });
  t.equal(JSON.parse(replaced.text).metadata.generation, JSON.parse(text).metadata.generation, 'nothing has changed');
  has((await server.call('GET', path)).text, `"count":${largest}`);
  const yaml = await server.call('GET', `${path}/a`, { headers: { accept: 'application/yaml' } });
  has(yaml.text, `count: ${largest}\n`, 'free: -9007199254740993\n');
  const table = await server.call('GET', `${path}/a`, {
    headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
  });
  has(table.text, `"cells":["a",${largest}`.slice(0, 20), largest);
  const fromYaml = await server.call('POST', path, {
    type: 'application/yaml',
    body: `apiVersion: stable.example.com/v1\nkind: Counter\nmetadata: {name: b}\nspec: {count: ${largest}}\n`,
  });
  has(fromYaml.text, `"count":${largest}`);
});

t.test('the rules of the schema hold for them', async (t) => {
  const server = await serve(t);
  await define(
    server,
    definition('counters', 'Counter', { versions: [version('v1', { schema: { openAPIV3Schema: counter } })] }),
  );
  const post = (spec: string) =>
    server.call('POST', path, {
      body: `{"apiVersion":"stable.example.com/v1","kind":"Counter","metadata":{"name":"a"},"spec":${spec}}`,
    });
  const many = (await post('{"few":9007199254740993}')).json;
  t.match(many, {
    code: 422,
    message: /spec\.few: Invalid value: 9007199254740993: spec\.few in body should be less than or equal to 100/,
  });
  t.match((await post('{"count":-9007199254740993}')).json, { code: 422, message: /failed rule/ });
  t.match((await post('{"seen":[9007199254740993,9007199254740993]}')).json, { code: 422, message: /Duplicate value/ });
  t.match((await post('{"count":9223372036854775808}')).json, { code: 400, message: /cannot be kept exactly/ });
  t.equal((await post('{"seen":[9007199254740993,9007199254740992]}')).status, 201, 'neighbours are not equal');
  const map = { body: '{"metadata":{"name":"m","generation":9007199254740993}}' };
  t.equal((await server.call('POST', '/api/v1/namespaces/default/configmaps', map)).status, 400, 'built-in kinds');
});
