// The rules of schemas at the creation of a definition: fields and messages are upstream's.
import t from 'tap';
import type { Definition } from '../schema/schema';
import { validateSchema } from './validate-schema';

interface Case {
  readonly name: string;
  readonly schema: Definition;
  readonly hasStatus?: boolean;
  /** Fields are relative to the schema. */
  readonly causes: readonly string[];
}

const object = (properties: Readonly<Record<string, unknown>>, rest: Definition = {}): Definition => ({
  type: 'object',
  properties: properties as Readonly<Record<string, Definition>>,
  ...rest,
});
const text: Definition = { type: 'string' };
const listType = 'x-kubernetes-list-type';
const keys = 'x-kubernetes-list-map-keys';

const structure: readonly Case[] = [
  { name: 'a plain object', schema: object({ a: text }), causes: [] },
  { name: 'no type at the root', schema: {}, causes: ['type: Required value: must not be empty at the root'] },
  {
    name: 'a root that is no object',
    schema: { type: 'string' },
    causes: ['type: Invalid value: "string": must be object at the root'],
  },
  {
    name: 'fields and items without a type',
    schema: object({ x: {}, list: { type: 'array', items: {} } }),
    causes: [
      'properties[list].items.type: Required value: must not be empty for specified array items',
      'properties[x].type: Required value: must not be empty for specified object fields',
    ],
  },
  {
    name: 'int-or-string and preserve-unknown-fields need no type',
    schema: object({
      a: { 'x-kubernetes-int-or-string': true },
      b: { 'x-kubernetes-preserve-unknown-fields': true },
    }),
    causes: [],
  },
  {
    name: 'a list without items',
    schema: object({ a: { type: 'array' } }),
    causes: ['properties[a].items: Required value: must be specified'],
  },
  {
    name: 'additionalProperties at the root',
    schema: { type: 'object', additionalProperties: text },
    causes: ['additionalProperties: Forbidden: must not be used at the root'],
  },
  {
    name: 'int-or-string with preserve-unknown-fields and embedded-resource',
    schema: object({
      a: {
        type: 'object',
        'x-kubernetes-int-or-string': true,
        'x-kubernetes-preserve-unknown-fields': true,
        'x-kubernetes-embedded-resource': true,
      },
    }),
    causes: [
      'properties[a].x-kubernetes-embedded-resource: Invalid value: true: must be false if x-kubernetes-int-or-string is true',
      'properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true',
    ],
  },
  {
    name: 'the two forms of int-or-string',
    schema: object({
      a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      b: {
        'x-kubernetes-int-or-string': true,
        allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: '^a' }],
      },
    }),
    causes: [],
  },
  {
    name: 'structure inside anyOf',
    schema: object(
      { a: text },
      {
        anyOf: [
          {
            type: 'object',
            description: 'd',
            nullable: true,
            default: false,
            properties: { a: { 'x-kubernetes-int-or-string': true } },
          },
          { additionalProperties: false },
        ],
      },
    ),
    causes: [
      'anyOf[0].default: Forbidden: must be undefined to be structural',
      'anyOf[0].description: Forbidden: must be empty to be structural',
      'anyOf[0].nullable: Forbidden: must be false to be structural',
      'anyOf[0].properties[a].x-kubernetes-int-or-string: Forbidden: must be false to be structural',
      'anyOf[0].type: Forbidden: must be empty to be structural',
      'anyOf[1].additionalProperties: Forbidden: must be undefined to be structural',
    ],
  },
  {
    name: 'fields that stand only inside allOf and not',
    schema: object(
      { list: { type: 'array', items: object({ a: text }) } },
      {
        allOf: [{ properties: { b: { minLength: 1 }, list: { items: { properties: { c: {} } } } } }],
        not: { required: ['list'] },
      },
    ),
    causes: [
      'properties[b]: Required value: because it is defined in allOf[0].properties[b]',
      'properties[list].items.properties[c]: Required value: because it is defined in allOf[0].properties[list].items.properties[c]',
    ],
  },
  {
    name: 'metadata: only its names may be restricted',
    schema: object({ metadata: object({ name: { type: 'string', maxLength: 9 } }) }),
    causes: [],
  },
  {
    name: 'metadata with labels',
    schema: object({ metadata: object({ labels: { type: 'object' } }) }),
    causes: [
      'properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ],
  },
  {
    name: 'metadata inside oneOf',
    schema: object({ metadata: { type: 'object' } }, { oneOf: [{ properties: { metadata: {} } }] }),
    causes: ['oneOf[0].properties[metadata]: Forbidden: must not be specified in a nested context'],
  },
  {
    name: 'kind is a text',
    schema: object({ kind: { type: 'integer' } }),
    causes: ['properties[kind].type: Invalid value: "integer": must be string'],
  },
  {
    name: 'an embedded resource',
    schema: object({
      a: { type: 'string', 'x-kubernetes-embedded-resource': true },
      b: { type: 'object', 'x-kubernetes-embedded-resource': true },
      c: {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        'x-kubernetes-preserve-unknown-fields': true,
        additionalProperties: text,
      },
    }),
    causes: [
      'properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      'properties[a].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
      'properties[b].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      'properties[c].additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set',
    ],
  },
  {
    name: 'a pattern that does not compile',
    schema: object({ a: { type: 'string', pattern: '(' } }),
    causes: [
      `properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
    ],
  },
];

const openApi: readonly Case[] = [
  {
    name: 'what OpenAPI has and Kubernetes has not',
    schema: object({
      a: { type: 'string', id: 'i', $ref: '#/x', definitions: {}, dependencies: {}, patternProperties: {} },
      b: { type: 'array', items: { type: 'string' }, additionalItems: true, uniqueItems: true },
    }),
    causes: [
      'properties[a].id: Forbidden: id is not supported',
      'properties[a].patternProperties: Forbidden: patternProperties is not supported',
      'properties[a].definitions: Forbidden: definitions is not supported',
      'properties[a].dependencies: Forbidden: dependencies is not supported',
      'properties[a].$ref: Forbidden: $ref is not supported',
      'properties[b].additionalItems: Forbidden: additionalItems is not supported',
      'properties[b].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ],
  },
  {
    name: 'types',
    schema: object({ a: { type: 'text' }, b: { type: 'null' } }),
    causes: [
      'properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
      'properties[b].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string"',
      'properties[b].type: Forbidden: type cannot be set to null, use nullable as an alternative',
    ],
  },
  {
    name: 'properties and additionalProperties',
    schema: object({
      a: object({ b: text }, { additionalProperties: text }),
      b: object({ b: text }, { additionalProperties: true }),
    }),
    causes: ['properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive'],
  },
  {
    name: 'preserve-unknown-fields false',
    schema: object({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false } }),
    causes: ['properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined'],
  },
  {
    name: 'map types',
    schema: object({
      a: { type: 'string', 'x-kubernetes-map-type': 'atomic' },
      b: { type: 'object', 'x-kubernetes-map-type': 'deep' },
    }),
    causes: [
      'properties[a].type: Invalid value: "string": must be object if x-kubernetes-map-type is specified',
      'properties[b].x-kubernetes-map-type: Unsupported value: "deep": supported values: "atomic", "granular"',
    ],
  },
  {
    name: 'list types',
    schema: object({
      a: { type: 'object', [listType]: 'set' },
      b: { type: 'array', items: text, [listType]: 'bag' },
      c: { type: 'array', items: text, [keys]: ['a'] },
      d: { type: 'array', items: object({ a: text }), [listType]: 'set' },
      e: { type: 'array', items: { type: 'string', nullable: true }, [listType]: 'set' },
    }),
    causes: [
      'properties[a].type: Invalid value: "object": must be array if x-kubernetes-list-type is specified',
      'properties[b].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
      'properties[c].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty',
      'properties[d].items.x-kubernetes-map-type: Invalid value: "null": must be atomic as item of a list with x-kubernetes-list-type=set',
      'properties[e].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set',
    ],
  },
  {
    name: 'keys of a list of type map',
    schema: object({
      a: { type: 'array', items: object({ n: text }), [listType]: 'map' },
      b: { type: 'array', items: text, [listType]: 'map', [keys]: ['n'] },
      c: {
        type: 'array',
        items: object({ n: text, o: { type: 'object' }, d: { type: 'string', default: 'd' } }, { required: ['o'] }),
        [listType]: 'map',
        [keys]: ['n', 'n', 'o', 'p', 'd'],
      },
    }),
    causes: [
      'properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
      `properties[b].items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
      'properties[c].x-kubernetes-list-map-keys: Invalid value: ["n","n","o","p","d"]: must not contain duplicate entries',
      `properties[c].items.properties[o].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
      'properties[c].x-kubernetes-list-map-keys: Invalid value: ["n","n","o","p","d"]: entries must all be names of item properties',
      'properties[c].items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      'properties[c].items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    ],
  },
  {
    name: 'a root that keeps its meaning for the status alone',
    hasStatus: true,
    schema: object({ a: text }, { allOf: [{ required: ['a'] }] }),
    causes: [
      ': Invalid value: {"type":"object","properties":{"a":{"type":"string"}},"allOf":[{"required":["a"]}]}: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled',
    ],
  },
  {
    name: 'a nullable root',
    schema: object({ a: text }, { nullable: true }),
    causes: ['nullable: Forbidden: nullable cannot be true at the root'],
  },
  {
    name: 'texts of rules',
    schema: object(
      { a: text, m: { type: 'object', additionalProperties: text } },
      {
        'x-kubernetes-validations': [
          { rule: ' ' },
          { rule: 'true', message: ' ' },
          { rule: 'true', message: 'a\nb' },
          { rule: 'true ||\nfalse' },
          { rule: 'true', messageExpression: ' ' },
          { rule: 'true', reason: 'Wrong' },
          { rule: 'true', fieldPath: '.b' },
          { rule: 'true', fieldPath: ".m['x.y']" },
        ],
      },
    ),
    causes: [
      'x-kubernetes-validations[0].rule: Required value: rule is not specified',
      'x-kubernetes-validations[1].message: Invalid value: " ": must be non-empty if specified',
      'x-kubernetes-validations[2].message: Invalid value: "a\\nb": must not contain line breaks',
      'x-kubernetes-validations[3].message: Required value: message must be specified if rule contains line breaks',
      'x-kubernetes-validations[4].messageExpression: Required value: messageExpression must be non-empty if specified',
      'x-kubernetes-validations[5].reason: Unsupported value: "Wrong": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
      'x-kubernetes-validations[6].fieldPath: Invalid value: ".b": must be a valid path',
    ],
  },
];

const defaults: readonly Case[] = [
  {
    name: 'defaults that fit',
    schema: object({ a: { type: 'string', default: '' }, b: object({ c: text }, { default: { c: 'c' } }) }),
    causes: [],
  },
  {
    name: 'a default with unknown fields, and one that breaks a rule',
    schema: object({
      a: object({ b: text }, { default: { c: 1 } }),
      d: { type: 'string', minLength: 2, default: 'a' },
      e: { type: 'array', items: object({ f: { type: 'string', enum: ['x'], default: 'y' } }) },
    }),
    causes: [
      'properties[a].default: Invalid value: {"c":1}: must not have unknown fields',
      'properties[d].default: Invalid value: "a":  in body should be at least 2 chars long',
      'properties[e].items.properties[f].default: Unsupported value: "y": supported values: "x"',
    ],
  },
  {
    name: 'a default of metadata',
    schema: object({ metadata: object({ name: { type: 'string', default: 'n' } }) }),
    causes: ['properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata'],
  },
];

for (const { name, schema, hasStatus = false, causes } of [...structure, ...openApi, ...defaults]) {
  t.test(name, async (t) => {
    const found = validateSchema(schema, 'schema', hasStatus);
    t.same(
      found.map(({ field, message }) =>
        `${field}: ${message}`.replace(/^schema\.?/, '').replaceAll('in schema.', 'in '),
      ),
      causes,
    );
  });
}

t.test('a schema of more than 100 levels is refused without a walk over it', async (t) => {
  let schema: Definition = text;
  for (let level = 0; level < 900; level++) schema = object({ a: schema });
  t.match(validateSchema(schema, 'schema', false), [{ field: 'schema', message: /must have at most 100 levels/ }]);
});
