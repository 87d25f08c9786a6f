import t from 'tap';
import type { Definition } from '../schema/schema';
import { validateValue } from './validate-value';

interface Case {
  readonly name: string;
  readonly schema: Definition;
  readonly value: unknown;
  readonly causes: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'required', schema: { required: ['a'] }, value: {}, causes: ['spec.a: Required value'] },
  {
    name: 'enum',
    schema: { enum: ['a', 1] },
    value: 'b',
    causes: ['spec: Unsupported value: "b": supported values: "a", "1"'],
  },
  {
    name: 'bounds of numbers',
    schema: { items: { minimum: 1, maximum: 3, exclusiveMaximum: true } },
    value: [0, 1, 3],
    causes: [
      'spec[0]: Invalid value: 0: spec[0] in body should be greater than or equal to 1',
      'spec[2]: Invalid value: 3: spec[2] in body should be less than 3',
    ],
  },
  {
    name: 'multiple',
    schema: { multipleOf: 2 },
    value: 3,
    causes: ['spec: Invalid value: 3: spec in body should be a multiple of 2'],
  },
  { name: 'characters, not units of UTF-16', schema: { maxLength: 1, minLength: 1 }, value: '😀', causes: [] },
  { name: 'too long', schema: { maxLength: 1 }, value: 'ab', causes: ['spec: Too long: may not be more than 1 bytes'] },
  {
    name: 'too short',
    schema: { minLength: 2 },
    value: 'a',
    causes: ['spec: Invalid value: "a": spec in body should be at least 2 chars long'],
  },
  {
    name: 'pattern',
    schema: { pattern: '^a+$' },
    value: 'b',
    causes: [`spec: Invalid value: "b": spec in body should match '^a+$'`],
  },
  {
    name: 'sizes',
    schema: { properties: { a: { maxItems: 1 }, b: { minItems: 1 } }, maxProperties: 1, minProperties: 3 },
    value: { a: [1, 2], b: [] },
    causes: [
      'spec: Too many: 2: must have at most 1 item',
      'spec: Invalid value: 2: spec in body should have at least 3 properties',
      'spec.a: Too many: 2: must have at most 1 item',
      'spec.b: Invalid value: 0: spec.b in body should have at least 1 items',
    ],
  },
  {
    name: 'values of a map',
    schema: { additionalProperties: { minimum: 1 } },
    value: { x: 0 },
    causes: ['spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1'],
  },
  {
    name: 'list of type map',
    schema: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n'] },
    value: [{ n: 'a' }, { n: 'a' }],
    causes: ['spec[1]: Duplicate value: {"n":"a"}'],
  },
  {
    name: 'list of type set',
    schema: { 'x-kubernetes-list-type': 'set' },
    value: ['a', 'a'],
    causes: ['spec[1]: Duplicate value: "a"'],
  },
  {
    name: 'oneOf',
    schema: { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    value: { a: 1, b: 1 },
    causes: [
      '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  },
  {
    name: 'anyOf reports the best alternative',
    schema: { anyOf: [{ required: ['a'] }] },
    value: {},
    causes: ['<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf)', 'spec.a: Required value'],
  },
  {
    name: 'not',
    schema: { not: { enum: ['a'] } },
    value: 'a',
    causes: ['<nil>: Invalid value: "": "spec" must not validate the schema (not)'],
  },
  {
    name: 'the forms of int-or-string',
    schema: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    value: 5,
    causes: [],
  },
  {
    name: 'types',
    schema: {
      properties: {
        a: { type: 'string' },
        b: { type: 'integer' },
        c: { type: 'number' },
        d: { type: 'object' },
        e: { 'x-kubernetes-int-or-string': true },
        f: { 'x-kubernetes-int-or-string': true },
      },
    },
    value: { a: 1, b: 1.5, c: 1, d: [], e: true, f: '5%' },
    causes: [
      'spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer"',
      'spec.b: Invalid value: "number": spec.b in body must be of type integer: "number"',
      '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.b',
      'spec.d: Invalid value: "array": spec.d in body must be of type object: "array"',
      'spec.e: Invalid value: "boolean": spec.e in body must be of type integer,string: "boolean"',
    ],
  },
  {
    name: 'null',
    schema: {
      type: 'array',
      items: { type: 'string', nullable: true, minLength: 1 },
    },
    value: [null],
    causes: [],
  },
  {
    name: 'null where it may not be, and an enum with null',
    schema: { properties: { a: { type: 'string' }, b: { type: 'string', nullable: true, enum: [null, 'x'] } } },
    value: { a: null, b: null },
    causes: [
      'spec.a: Invalid value: "null": spec.a in body must be of type string: "null"',
      'spec.b: Unsupported value: "null": supported values: "null", "x"',
    ],
  },
  {
    name: 'formats',
    schema: {
      properties: {
        a: { type: 'string', format: 'date-time' },
        b: { type: 'string', format: 'ipv4' },
        c: { type: 'string', format: 'unknown' },
        d: { type: 'integer', format: 'int32' },
      },
    },
    value: { a: '2026-02-30T00:00:00Z', b: '10.0.0.1', c: '', d: 2 ** 31 },
    causes: [
      'spec.a: Invalid value: "2026-02-30T00:00:00Z": spec.a in body must be of type date-time: "2026-02-30T00:00:00Z"',
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.d',
    ],
  },
  {
    name: 'wrong types beside a format',
    schema: {
      properties: {
        a: { type: 'string', format: 'hostname' },
        b: { type: 'integer', format: 'int32' },
        c: { type: 'integer', format: 'hostname' },
        d: { type: 'string', format: 'bogus' },
        e: { type: 'object', format: 'bogus' },
      },
    },
    value: { a: 1, b: 1.5, c: 'a_b', d: true, e: 's' },
    causes: [
      'spec.a: Invalid value: "int64": spec.a in body must be of type hostname: "int64"',
      'spec.b: Invalid value: "float64": spec.b in body must be of type int32: "float64"',
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.b',
      'spec.c: Invalid value: "string": spec.c in body must be of type integer: "string"',
      'spec.c: Invalid value: "a_b": spec.c in body must be of type hostname: "a_b"',
      'spec.d: Invalid value: "": spec.d in body must be of type bogus: ""',
      'spec.e: Invalid value: "string": spec.e in body must be of type object: "string"',
    ],
  },
  {
    name: 'bounds that do not fit the type',
    schema: {
      properties: {
        a: { type: 'integer', format: 'int32', minimum: 9999999999 },
        b: { type: 'integer', format: 'int32', maximum: 9999999999 },
        c: { type: 'integer', format: 'int32', multipleOf: 1.5 },
        d: { type: 'integer', multipleOf: 0 },
        e: { type: 'number', maximum: 1_000_000 },
      },
    },
    value: { a: 4, b: 4, c: 4, d: 4, e: 1_000_000.5 },
    causes: [
      '<nil>: Invalid value: "": Minimum boundary value must be of type integer with format int32 in spec.a',
      'spec.a: Invalid value: 4: spec.a in body should be greater than or equal to 9.999999999e+09',
      '<nil>: Invalid value: "": Maximum boundary value must be of type integer with format int32 in spec.b',
      '<nil>: Invalid value: "": MultipleOf value must be of type integer with format int32 in spec.c',
      'spec.c: Invalid value: 4: spec.c in body should be a multiple of 1.5',
      'spec.d: Invalid value: 0: factor MultipleOf declared for spec.d must be positive: 0',
      'spec.e: Invalid value: 1.0000005e+06: spec.e in body should be less than or equal to 1e+06',
    ],
  },
  {
    name: 'an embedded resource',
    schema: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    value: { kind: 'No Kind', metadata: { name: 'a/b', labels: { x: '-' } } },
    causes: [
      'spec.apiVersion: Required value',
      `spec.kind: Invalid value: "No Kind": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
      `spec.metadata.name: Invalid value: "a/b": may not contain '/'`,
      `spec.metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
  },
  {
    name: 'more work than the bound',
    schema: { items: { anyOf: Array.from({ length: 100 }, () => ({ enum: ['x'] })) } },
    value: Array.from({ length: 10_000 }, () => 'y'),
    causes: ['<nil>: Invalid value: "": the rules of the schema cost too much for this object'],
  },
];

for (const { name, schema, value, causes } of cases) {
  t.test(name, async (t) => {
    const found = validateValue({ spec: value, metadata: {} }, { properties: { spec: schema } });
    t.same(
      found.map(({ field, message }) => `${field}: ${message}`),
      causes,
    );
  });
}

const short: Definition = { type: 'string', maxLength: 1 };
const keyed: Definition = {
  type: 'array',
  items: { type: 'object', properties: { n: { type: 'string' }, v: short } },
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['n'],
};
const atomic: Definition = { type: 'array', items: short };

const ratcheted: readonly {
  readonly name: string;
  readonly schema: Definition;
  readonly old: unknown;
  readonly value: unknown;
  readonly fields: readonly string[];
}[] = [
  { name: 'a wrong field that did not change', schema: short, old: 'long', value: 'long', fields: [] },
  { name: 'a wrong field that changed', schema: short, old: 'long', value: 'longer', fields: ['spec'] },
  { name: 'a wrong field that is new', schema: short, old: undefined, value: 'long', fields: ['spec'] },
  {
    name: 'items are found again by their keys',
    schema: keyed,
    old: [{ n: 'a', v: 'long' }],
    value: [
      { n: 'b', v: 'long' },
      { n: 'a', v: 'long' },
    ],
    fields: ['spec[0].v'],
  },
  { name: 'items without keys are not', schema: atomic, old: ['long'], value: ['long', 'a'], fields: ['spec[0]'] },
  { name: 'a list that did not change', schema: atomic, old: ['long'], value: ['long'], fields: [] },
  {
    name: 'rules inside allOf judge the whole value',
    schema: { allOf: [{ properties: { a: { maxLength: 1 } } }], properties: { a: { type: 'string' }, b: short } },
    old: { a: 'long', b: 'x' },
    value: { a: 'long', b: 'y' },
    fields: ['spec.a', '<nil>'],
  },
  {
    name: 'a list that had an item twice may have it again',
    schema: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    old: ['a', 'a'],
    value: ['a', 'a', 'b'],
    fields: [],
  },
];

for (const { name, schema, old, value, fields } of ratcheted) {
  t.test(`update: ${name}`, async (t) => {
    const found = validateValue({ spec: value }, { properties: { spec: schema } }, { old: { spec: old } });
    t.same(
      found.map(({ field }) => field),
      fields,
    );
  });
}

t.test('messages about a large enum are bounded', async (t) => {
  const values = Array.from({ length: 10_000 }, (_, i) => `value-${i}`);
  const found = validateValue(
    Array.from({ length: 10_000 }, () => 'no'),
    { items: { enum: values } },
  );
  t.ok(found.length > 0 && found.length < 10, `${found.length} causes`);
});

t.test('the patterns of all fields of an object cost together no more than those of one', async (t) => {
  const pattern = '(a?){400}b';
  const check = (schema: Definition, value: unknown) =>
    validateValue({ spec: value }, { properties: { spec: schema } }).map(({ message }) => message);
  const items: Definition = { type: 'string', pattern };
  const texts = Array.from({ length: 3_000 }, () => 'a'.repeat(200));
  const tooMuch = ['Invalid value: "": the rules of the schema cost too much for this object'];
  t.same(check({ type: 'array', items }, texts), tooMuch);
  t.same(check({ type: 'array', items: { type: 'string', not: { pattern } } }, texts), tooMuch, 'not is no way out');
  t.match(check({ type: 'array', items }, texts.slice(0, 1)), [/should match/], 'one alone is decided');
});
