// Whether an openAPIV3Schema is structural, as upstream's ValidateStructural: its structure stands outside of allOf, anyOf, oneOf and
// not, each value has a type, and metadata is restricted by nothing but names. Rules of single fields are in openapi-rules.ts.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { forbidden, invalid, required } from '../validation/causes';
import { isIntOrStringAllOf, isIntOrStringAnyOf } from './int-or-string';
import { Pattern, PatternError } from './pattern/pattern';
import { isSchema } from './walk';

type Level = 'root' | 'item' | 'field';

/** In the order of their texts, as upstream. */
export function validateStructural(schema: Definition, field: string): FieldCause[] {
  const causes = [...invariants(schema, 'root', field), ...completeness(schema, schema, field, field)];
  return causes
    .map((cause) => ({ cause, text: `${cause.field}: ${cause.message}` }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ cause }) => cause);
}

function invariants(schema: Definition, level: Level, field: string): FieldCause[] {
  const { type = '', items, properties = {}, additionalProperties: values } = schema;
  const causes: FieldCause[] = [];
  if (type === 'array' && !isSchema(items)) causes.push(required(`${field}.items`, 'must be specified'));
  if (isSchema(items)) causes.push(...invariants(items, 'item', `${field}.items`));
  for (const [key, property] of Object.entries(properties)) {
    causes.push(...invariants(property, 'field', `${field}.properties[${key}]`));
  }
  if (values !== undefined && level === 'root') {
    causes.push(forbidden(`${field}.additionalProperties`, 'must not be used at the root'));
  }
  if (isSchema(values)) causes.push(...invariants(values, 'field', `${field}.additionalProperties`));
  causes.push(...extensionCauses(schema, field));
  causes.push(...valueRules(schema, isIntOrStringAnyOf(schema), isIntOrStringAllOf(schema), field));
  causes.push(...typeCauses(schema, level, field));
  return causes;
}

function extensionCauses(schema: Definition, field: string): FieldCause[] {
  if (!schema['x-kubernetes-int-or-string']) return [];
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter((name) => schema[name])
    .map((name) => invalid(`${field}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'));
}

const emptyType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function typeCauses(schema: Definition, level: Level, field: string): FieldCause[] {
  const { type = '', properties = {}, additionalProperties } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] ?? false;
  const causes: FieldCause[] = [];
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    causes.push(type === '' ? required(`${field}.type`, detail) : invalid(`${field}.type`, type, detail));
  } else if (type === '' && !schema['x-kubernetes-int-or-string'] && !isOpen) {
    causes.push(required(`${field}.type`, emptyType[level]));
  }
  if (isEmbedded && additionalProperties !== undefined) {
    const detail = 'must not be used if x-kubernetes-embedded-resource is set';
    causes.push(forbidden(`${field}.additionalProperties`, detail));
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    causes.push(invalid(`${field}.type`, type, 'must be object at the root'));
  }
  if (level === 'root' || isEmbedded) causes.push(...metaCauses(properties, field));
  if (level === 'root' && Object.hasOwn(properties, 'metadata') && !isNameOnly(properties['metadata']!)) {
    const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    causes.push(forbidden(`${field}.properties[metadata]`, detail));
  }
  if (isEmbedded && !isOpen && Object.keys(properties).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    causes.push(required(`${field}.properties`, detail));
  }
  return causes;
}

/** The fields of every object, where an object has them. */
function metaCauses(properties: Readonly<Record<string, Definition>>, field: string): FieldCause[] {
  const types = { kind: 'string', apiVersion: 'string', metadata: 'object' };
  return Object.entries(types).flatMap(([key, type]) => {
    const found = Object.hasOwn(properties, key) ? (properties[key]!.type ?? '') : type;
    return found === type ? [] : [invalid(`${field}.properties[${key}].type`, found, `must be ${type}`)];
  });
}

function isNameOnly({ type: _, default: _default, properties = {}, ...rest }: Definition): boolean {
  const isOther = (key: string) => key !== 'name' && key !== 'generateName';
  return !Object.keys(properties).some(isOther) && Object.values(rest).every(isZero);
}

const isZero = (value: unknown): boolean =>
  value === undefined || value === false || value === '' || isDeepStrictEqual(value, []);

/** The parts that only restrict values: of a schema, or inside allOf and the like. */
function valueRules(schema: Definition, skipAnyOf: boolean, skipAllOf: boolean, field: string): FieldCause[] {
  const { allOf = [], anyOf = [], oneOf = [], not, pattern } = schema;
  return [
    ...(skipAnyOf ? [] : anyOf.flatMap((inner, i) => nestedCauses(inner, false, `${field}.anyOf[${i}]`))),
    ...allOf.flatMap((inner, i) => nestedCauses(inner, skipAllOf && i === 0, `${field}.allOf[${i}]`)),
    ...oneOf.flatMap((inner, i) => nestedCauses(inner, false, `${field}.oneOf[${i}]`)),
    ...(not ? nestedCauses(not, false, `${field}.not`) : []),
    ...patternCauses(pattern, `${field}.pattern`),
  ];
}

function patternCauses(pattern: string | undefined, field: string): FieldCause[] {
  if (!pattern) return [];
  try {
    new Pattern(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return [invalid(field, pattern, `must be a valid regular expression, but isn't: ${error.message}`)];
  }
}

/** What may not stand inside allOf, anyOf, oneOf and not, with upstream's words for its absence. */
const structure = {
  type: 'empty',
  additionalProperties: 'undefined',
  default: 'undefined',
  title: 'empty',
  description: 'empty',
  nullable: 'false',
  externalDocs: 'undefined',
  'x-kubernetes-preserve-unknown-fields': 'false',
  'x-kubernetes-embedded-resource': 'false',
  'x-kubernetes-int-or-string': 'false',
  'x-kubernetes-list-map-keys': 'empty',
  'x-kubernetes-list-type': 'undefined',
  'x-kubernetes-map-type': 'undefined',
  'x-kubernetes-validations': 'empty',
} as const;

function nestedCauses(schema: Definition, skipAnyOf: boolean, field: string): FieldCause[] {
  const { items, properties = {} } = schema;
  const causes = valueRules(schema, skipAnyOf, false, field);
  if (isSchema(items)) causes.push(...nestedCauses(items, false, `${field}.items`));
  for (const [key, property] of Object.entries(properties)) {
    causes.push(...nestedCauses(property, false, `${field}.properties[${key}]`));
  }
  for (const [name, absent] of Object.entries(structure)) {
    const value = schema[name as keyof typeof structure];
    // Any additionalProperties and any default count, also false; a default of null is none.
    const isAny = name === 'additionalProperties' || name === 'default';
    const isSet = isAny ? (value ?? undefined) !== undefined : !isZero(value);
    if (isSet) causes.push(forbidden(`${field}.${name}`, `must be ${absent} to be structural`));
  }
  if (Object.hasOwn(properties, 'metadata')) {
    causes.push(forbidden(`${field}.properties[metadata]`, 'must not be specified in a nested context'));
  }
  return causes;
}

/** Each field and list that allOf and the like name must be in the structure. `at` is undefined where it is not. */
function completeness(rules: Definition, at: Definition | undefined, field: string, from: string): FieldCause[] {
  if (!at) return [required(field, `because it is defined in ${from}`)];
  const { allOf = [], anyOf = [], oneOf = [], not } = rules;
  const nested: [string, Definition][] = [
    ...(not ? [['not', not] as [string, Definition]] : []),
    ...Object.entries({ allOf, anyOf, oneOf }).flatMap(([name, list]) =>
      list.map((inner, i): [string, Definition] => [`${name}[${i}]`, inner]),
    ),
  ];
  return nested.flatMap(([name, inner]) => nestedCompleteness(inner, at, field, `${from}.${name}`));
}

function nestedCompleteness(rules: Definition, at: Definition | undefined, field: string, from: string): FieldCause[] {
  if (!at) return [required(field, `because it is defined in ${from}`)];
  const { items, properties = {} } = rules;
  const causes = completeness(rules, at, field, from);
  if (isSchema(items)) {
    const inner = isSchema(at.items) ? at.items : undefined;
    causes.push(...nestedCompleteness(items, inner, `${field}.items`, `${from}.items`));
  }
  for (const [key, property] of Object.entries(properties)) {
    const known = at.properties && Object.hasOwn(at.properties, key) ? at.properties[key] : undefined;
    const [name, source] = [`${field}.properties[${key}]`, `${from}.properties[${key}]`];
    causes.push(...nestedCompleteness(property, known, name, source));
  }
  return causes;
}
