import t from 'tap';
import type { Definition } from '../schema/schema';
import { applyDefaults } from './default-values';
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
      'spec.a: Too many: 2: must have at most 1 items',
      'spec.b: Invalid value: 0: spec.b in body should have at least 1 items',
      'spec: Too many: 2: must have at most 1 items',
      'spec: Invalid value: 2: spec in body should have at least 3 properties',
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

t.test('defaults', async (t) => {
  const schema: Definition = {
    properties: {
      a: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 2 } } },
      absent: { type: 'object', properties: { c: { type: 'string', default: 'c' } } },
      list: { type: 'array', items: { properties: { d: { default: 'd' } } } },
      map: { additionalProperties: { properties: { e: { default: true } } } },
    },
  };
  const object = { list: [{}, { d: 'own' }], map: { x: {} } };
  applyDefaults(object, schema);
  applyDefaults(object, schema);
  t.same(object, { a: { b: 2 }, list: [{ d: 'd' }, { d: 'own' }], map: { x: { e: true } } });
});
