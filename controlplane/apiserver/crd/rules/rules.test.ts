// x-kubernetes-validations over HTTPS: which rules a definition may have, and which objects they refuse.
import t, { type Test } from 'tap';
import type { TestServer } from '../../../../test/lib/api-server';
import { define, definition, definitionsPath, serve, version } from '../../../../test/lib/custom-definitions';

const path = '/apis/stable.example.com/v1/namespaces/default/widgets';
const merge = 'application/merge-patch+json';
const rules = 'x-kubernetes-validations';
const text = { type: 'string' };
const integer = { type: 'integer' };

type Properties = Readonly<Record<string, object>>;

const shape = (properties: Properties, root: object = {}, spec: object = {}) =>
  version('v1', {
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties, ...spec },
          status: { type: 'object', properties: { n: integer } },
        },
        ...root,
      },
    },
    subresources: { status: {} },
  });

const widgets = (made: object) => definition('widgets', 'Widget', { versions: [made] });

async function served(t: Test, made: object): Promise<TestServer> {
  const server = await serve(t);
  await define(server, widgets(made));
  return server;
}

const widget = (name: string, spec: object) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
});

interface Answer {
  readonly status: number;
  readonly json: { details?: { causes?: readonly { field: string; message: string; reason: string }[] } };
}
const causesOf = ({ json }: Answer): string[] =>
  (json.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);

t.test('rules that a definition may not have', async (t) => {
  const server = await serve(t);
  const field = 'spec.validation.openAPIV3Schema.properties[spec]';
  const cases: readonly (readonly [name: string, made: object, causes: readonly RegExp[]])[] = [
    [
      'an undefined field',
      shape({ a: text }, {}, { [rules]: [{ rule: 'self.b == "x"' }] }),
      [
        /^spec\.validation\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: \{"rule":"self\.b == \\"x\\""\}: compilation failed: ERROR: <input>:1:5: undefined field 'b'/,
      ],
    ],
    [
      'a result that is no bool',
      shape({ a: text }, {}, { [rules]: [{ rule: 'self.a' }] }),
      [/\[0\]\.rule: Invalid value: .*: cel expression must evaluate to a bool$/],
    ],
    [
      'a message that is no text',
      shape({ a: text }, {}, { [rules]: [{ rule: 'true', messageExpression: '1' }] }),
      [/\[0\]\.messageExpression: Invalid value: .*: messageExpression must evaluate to a string$/],
    ],
    [
      'metadata that rules do not see',
      shape({ a: text }, { [rules]: [{ rule: 'self.metadata.labels.size() > 0' }] }),
      [/undefined field 'labels'/],
    ],
    [
      'oldSelf in a list without keys',
      shape({ a: { type: 'array', maxItems: 10, items: { ...text, [rules]: [{ rule: 'self == oldSelf' }] } } }),
      [/oldSelf cannot be used on the uncorrelatable portion of the schema within .*properties\[a\]$/],
    ],
    [
      'optionalOldSelf without oldSelf',
      shape({ a: { ...text, [rules]: [{ rule: 'true', optionalOldSelf: true }] } }),
      [/\.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule$/],
    ],
    [
      'a default that breaks a rule',
      shape({ a: { ...integer, default: 1, [rules]: [{ rule: 'self > 1', message: 'too small' }] } }),
      [/properties\[a\]\.default: Invalid value: 1: too small$/],
    ],
    [
      'a rule of a schema with other errors is not compiled',
      shape({ a: {} }, {}, { [rules]: [{ rule: 'self.none' }] }),
      [/properties\[a\]\.type: Required value/],
    ],
  ];
  for (const [name, made, causes] of cases) {
    const answer = await server.call('POST', definitionsPath, { body: widgets(made) });
    t.equal(answer.status, 422, name);
    const found = causesOf(answer);
    t.equal(found.length, causes.length, `${name}: ${JSON.stringify(found)}`);
    for (const [i, cause] of causes.entries()) t.match(found[i], cause, name);
    t.ok(found.every((one) => one.startsWith(field) || one.startsWith('spec.validation.openAPIV3Schema')));
  }
});

t.test('objects that rules refuse', async (t) => {
  const server = await served(
    t,
    shape(
      {
        min: integer,
        max: integer,
        port: { 'x-kubernetes-int-or-string': true, [rules]: [{ rule: 'type(self) == int ? self < 100 : true' }] },
        labels: { type: 'object', additionalProperties: { ...text, [rules]: [{ rule: 'self != "no"' }] } },
        list: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: text },
            [rules]: [{ rule: 'self.name.startsWith("a")', message: 'begins with a', fieldPath: '.name' }],
          },
        },
      },
      { [rules]: [{ rule: 'self.metadata.name != "bad"', message: 'not this name' }] },
      {
        [rules]: [
          {
            rule: 'has(self.min) && has(self.max) ? self.min <= self.max : true',
            messageExpression: '"min %d is above max".format([self.min])',
            reason: 'FieldValueForbidden',
            fieldPath: '.min',
          },
          { rule: 'self.max / self.min > 0', message: 'divides' },
        ],
      },
    ),
  );
  const cases: readonly (readonly [name: string, spec: object, causes: readonly string[]])[] = [
    ['fine', { min: 1, max: 2 }, []],
    ['a message that is computed, a field and a reason', { min: 9, max: 18 }, []],
    ['min', { min: 3, max: 2 }, ['spec.min: Forbidden: min 3 is above max', 'spec: Invalid value: divides']],
    ['fails', { min: 0, max: 2 }, ['spec: Invalid value: "object": division by zero evaluating rule: divides']],
    ['absent', { min: 1 }, ['spec: Invalid value: "object": no such key: max evaluating rule: divides']],
    ['bad', { min: 1, max: 1 }, ['<nil>: Invalid value: not this name']],
    [
      'inside',
      { min: 1, max: 1, port: 200, labels: { x: 'no', y: 'yes' }, list: [{ name: 'a' }, { name: 'b' }] },
      [
        'spec.port: Invalid value: 200: failed rule: type(self) == int ? self < 100 : true',
        'spec.labels[x]: Invalid value: "no": failed rule: self != "no"',
        'spec.list[1].name: Invalid value: begins with a',
      ],
    ],
    [
      'wrong',
      { min: 'x', max: 1 },
      [
        'spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"',
        '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ],
    ],
  ];
  for (const [name, spec, causes] of cases) {
    const answer = await server.call('POST', path, { body: widget(name.replaceAll(/[^a-z]+/g, '-'), spec) });
    t.same(causesOf(answer), causes, name);
    t.equal(answer.status, causes.length === 0 ? 201 : 422, answer.text);
  }
});

t.test(
  'rules are judged beside errors of the schema, but not after those that change what an expression may read',
  async (t) => {
    const server = await served(
      t,
      shape(
        {
          host: { ...text, pattern: '^[a-z]+$', maxLength: 9 },
          size: { ...integer, minimum: 3 },
          kinds: { type: 'array', 'x-kubernetes-list-type': 'set', items: { ...text, enum: ['a', 'b'] } },
        },
        { [rules]: [{ rule: 'self.metadata.name != "bad"', message: 'not this name' }] },
        { [rules]: [{ rule: 'self.host != "A" && self.size != 2', message: 'no' }] },
      ),
    );
    const notChecked =
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    const cases: readonly (readonly [name: string, spec: object, causes: readonly string[]])[] = [
      [
        'bad',
        { host: 'A', size: 1 },
        [
          `spec.host: Invalid value: "A": spec.host in body should match '^[a-z]+$'`,
          'spec.size: Invalid value: 1: spec.size in body should be greater than or equal to 3',
          '<nil>: Invalid value: not this name',
          'spec: Invalid value: no',
        ],
      ],
      [
        'twice',
        { host: 'b', size: 2, kinds: ['a', 'a'] },
        [
          'spec.size: Invalid value: 2: spec.size in body should be greater than or equal to 3',
          'spec.kinds[1]: Duplicate value: "a"',
          'spec: Invalid value: no',
        ],
      ],
      [
        'long',
        { host: 'abcdefghij', size: 2 },
        [
          'spec.host: Too long: may not be more than 9 bytes',
          'spec.size: Invalid value: 2: spec.size in body should be greater than or equal to 3',
          notChecked,
        ],
      ],
      [
        'enum',
        { host: 'a', size: 3, kinds: ['c'] },
        ['spec.kinds[0]: Unsupported value: "c": supported values: "a", "b"', notChecked],
      ],
    ];
    for (const [name, spec, causes] of cases) {
      const answer = await server.call('POST', path, { body: widget(name, spec) });
      t.same(causesOf(answer), causes, name);
    }
  },
);

t.test('rules about changes', async (t) => {
  const once = { rule: 'self == oldSelf', message: 'may not change' };
  const server = await served(
    t,
    shape({
      fixed: { ...text, [rules]: [once] },
      grows: {
        ...integer,
        [rules]: [{ rule: '!oldSelf.hasValue() || self >= oldSelf.value()', optionalOldSelf: true }],
      },
      list: {
        type: 'array',
        maxItems: 10,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: text, value: { ...text, [rules]: [once] } } },
      },
      late: text,
    }),
  );
  const patch = async (spec: object) =>
    causesOf(await server.call('PATCH', `${path}/a`, { body: { spec }, type: merge }));
  const first = { fixed: 'x', grows: 1, list: [{ name: 'a', value: '1' }], late: 'wrong' };
  t.equal((await server.call('POST', path, { body: widget('a', first) })).status, 201, 'no old value');
  t.same(await patch({ fixed: 'y' }), ['spec.fixed: Invalid value: "y": may not change']);
  t.same(await patch({ grows: 0 }), [
    'spec.grows: Invalid value: 0: failed rule: !oldSelf.hasValue() || self >= oldSelf.value()',
  ]);
  t.same(await patch({ grows: 2 }), []);
  t.same(
    await patch({
      list: [
        { name: 'b', value: '2' },
        { name: 'a', value: '1' },
      ],
    }),
    [],
    'items are found by key',
  );
  t.same(await patch({ list: [{ name: 'a', value: '2' }] }), [
    'spec.list[0].value: Invalid value: "2": may not change',
  ]);
  const removed = await server.call('PATCH', `${path}/a`, { body: { spec: { fixed: null } }, type: merge });
  t.equal(removed.status, 200, 'a rule checks values only');

  const stricter = shape({ late: { ...text, [rules]: [{ rule: 'self != "wrong"' }] }, grows: integer });
  const changed = await server.call('PATCH', `${definitionsPath}/widgets.stable.example.com`, {
    body: { spec: { versions: [stricter] } },
    type: merge,
  });
  t.equal(changed.status, 200, changed.text);
  const kept = await server.call('PATCH', `${path}/a`, { body: { spec: { grows: 5 } }, type: merge });
  t.equal(kept.status, 200, 'the value was wrong before');
  t.match(kept.headers['warning'], /spec.late: Invalid value: \\"wrong\\": failed rule: self != \\"wrong\\"/);
  t.equal((await server.call('PATCH', `${path}/a/status`, { body: { status: { n: 1 } }, type: merge })).status, 200);
});

t.test('rules that cost too much', async (t) => {
  // As large as the estimate of the costs allows.
  const list = { type: 'array', items: integer, maxItems: 60 };
  const all = (rule: string) => shape({ list }, {}, { [rules]: [{ rule }] });
  const server = await served(t, all('self.list.all(a, self.list.all(b, self.list.all(c, a + b + c > 0)))'));
  const numbers = Array.from({ length: 60 }, () => 1);
  const answer = await server.call('POST', path, { body: widget('a', { list: numbers }) });
  t.same(causesOf(answer), [
    `spec: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: self.list.all(a, self.list.all(b, self.list.all(c, a + b + c > 0)))`,
  ]);
  const each = shape({
    list: {
      ...list,
      maxItems: 5_000,
      items: {
        ...integer,
        [rules]: [{ rule: '[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, a + b + self > 0))' }],
      },
    },
  });
  await server.call('PATCH', `${definitionsPath}/widgets.stable.example.com`, {
    body: { spec: { versions: [each] } },
    type: merge,
  });
  const many = await server.call('POST', path, {
    body: widget('b', { list: [...Array.from({ length: 5_000 }, () => 1)] }),
  });
  t.match(
    causesOf(many)[0],
    /validation failed due to running out of cost budget, no further validation rules will be run/,
  );
});
