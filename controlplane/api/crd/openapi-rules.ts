// The rules of each schema inside an openAPIV3Schema, as upstream's ValidateCustomResourceDefinitionOpenAPISchema: what OpenAPI allows
// and Kubernetes does not, types of lists and maps, and the texts of rules in CEL. Whether the whole is structural: structural.ts.
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { forbidden, invalid, notSupported } from '../validation/causes';
import { listTypeCauses, mapTypeCauses } from './merge-types';
import { ruleTextCauses } from './rule-texts';
import { isSchema } from './walk';

/** What the schemas around a schema say about it. */
export interface Surroundings {
  /** Why it may have no default. */
  readonly noDefault?: string;
  /** It describes metadata, kind or apiVersion of an object. */
  readonly inMeta?: boolean;
  /** The outermost list or map around it whose items have no counterpart in the old object. */
  readonly uncorrelatable?: string;
  /** How many values of the schema one object can have; undefined: the lists and maps around it have no bound. */
  readonly occurrences: number | undefined;
}

/** A schema with rules in CEL that may be compiled: neither it nor a schema inside it has errors. */
export interface RulePlace {
  readonly schema: Definition;
  readonly field: string;
  readonly around: Surroundings;
}

export interface SchemaFindings {
  readonly causes: FieldCause[];
  /** Only those of the structure: rules may not stand inside allOf and the like. */
  readonly rules: RulePlace[];
}

export function validateOpenApi(schema: Definition, field: string): SchemaFindings {
  const found: SchemaFindings = { causes: [], rules: [] };
  visit(schema, field, { found, around: { occurrences: 1 }, withRules: true, isRoot: true });
  return found;
}

interface Visit {
  readonly found: SchemaFindings;
  readonly withRules: boolean;
  readonly around: Surroundings;
  readonly isRoot?: boolean;
}

function visit(schema: Definition, field: string, { found, withRules, around, isRoot = false }: Visit): void {
  const before = found.causes.length;
  const factor = occurrencesInside(schema);
  const occurrences =
    factor === undefined || around.occurrences === undefined ? undefined : around.occurrences * factor;
  const add = (causes: FieldCause[]) => found.causes.push(...causes);
  const inner = (child: Definition, path: string, more: Partial<Surroundings> = {}, isStructure = true) =>
    visit(child, `${field}.${path}`, {
      found,
      withRules: withRules && isStructure,
      around: { ...around, ...more, occurrences },
    });
  add(ownCauses(schema, field, around));
  const { items, properties = {}, additionalProperties: values, allOf, oneOf, anyOf, not } = schema;
  if (values !== undefined && Object.keys(properties).length > 0 && values !== true) {
    add([forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')]);
  }
  if (isSchema(values)) {
    // Pruning inside metadata has no value that it could look at.
    const more = around.inMeta ? { noDefault: 'inside additionalProperties applying to object metadata' } : {};
    inner(values, 'additionalProperties', more);
  }
  const here = around.uncorrelatable ?? field;
  for (const [key, property] of Object.entries(properties)) {
    const isMeta = (isRoot || schema['x-kubernetes-embedded-resource']) && metaFields.has(key);
    inner(property, `properties[${key}]`, {
      ...(schema['x-kubernetes-map-type'] === 'atomic' ? { uncorrelatable: here } : {}),
      ...(isMeta ? { inMeta: true } : {}),
      ...(isMeta && isRoot ? { noDefault: `in top-level ${key}` } : {}),
    });
  }
  if (not) inner(not, 'not', {}, false);
  for (const [name, list] of Object.entries({ allOf, oneOf, anyOf })) {
    list?.forEach((child, i) => {
      inner(child, `${name}[${i}]`, {}, false);
    });
  }
  if (isSchema(items)) {
    inner(items, 'items', schema['x-kubernetes-list-type'] === 'map' ? {} : { uncorrelatable: here });
  }
  add(mapTypeCauses(schema, field));
  add(listTypeCauses(schema, field));
  add(ruleTextCauses(schema, field));
  const isWrong = found.causes.length > before;
  if (withRules && !isWrong && schema['x-kubernetes-validations']?.length) {
    found.rules.push({ schema, field, around });
  }
}

/** By how much a schema multiplies the number of the values inside it; undefined: without bound. */
function occurrencesInside({ type, additionalProperties, maxProperties, maxItems }: Definition): number | undefined {
  if (type === 'object' && additionalProperties !== undefined) return atLeastNone(maxProperties);
  return type === 'array' ? atLeastNone(maxItems) : 1;
}

const atLeastNone = (bound: number | undefined): number | undefined =>
  bound === undefined ? undefined : Math.max(0, bound);

const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

function ownCauses(schema: Definition, field: string, { noDefault, inMeta }: Surroundings): FieldCause[] {
  const { type = '', id = '', $ref, items, uniqueItems } = schema;
  const causes: FieldCause[] = [];
  if (type !== '' && !types.includes(type)) causes.push(notSupported(`${field}.type`, type, types));
  if (schema.default !== undefined && noDefault !== undefined) {
    causes.push(forbidden(`${field}.default`, `must not be set ${noDefault}`));
  }
  if (id !== '') causes.push(forbidden(`${field}.id`, 'id is not supported'));
  for (const name of ['additionalItems', 'patternProperties', 'definitions', 'dependencies'] as const) {
    if (schema[name] !== undefined) causes.push(forbidden(`${field}.${name}`, `${name} is not supported`));
  }
  if ($ref !== undefined) causes.push(forbidden(`${field}.$ref`, '$ref is not supported'));
  if (type === 'null') {
    causes.push(forbidden(`${field}.type`, 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(items) && items.length > 0) {
    causes.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'));
  }
  if (inMeta && schema['x-kubernetes-embedded-resource']) {
    causes.push(forbidden(`${field}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  }
  if (uniqueItems) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    causes.push(forbidden(`${field}.uniqueItems`, detail));
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    causes.push(invalid(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  return causes;
}

/** Parts of a root schema that keep their meaning when the status is checked alone. Upstream names them as its Go fields. */
const rootFields: readonly string[] = [
  'description',
  'type',
  'format',
  'title',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'required',
  'items',
  'properties',
  'externalDocs',
  'example',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
];

const goName = (name: string): string =>
  name
    .split('-')
    .filter((word) => word !== 'kubernetes')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');

/** The rules of the schema of a whole object. */
export function rootCauses(schema: Definition, field: string, hasStatus: boolean): FieldCause[] {
  const { type, nullable } = schema;
  const causes: FieldCause[] = [];
  if (hasStatus && type !== undefined && type !== '' && type !== 'object') {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    causes.push(invalid(`${field}.type`, type, detail));
  }
  const isOther = ([name, value]: [string, unknown]) => value && !rootFields.includes(name);
  if (hasStatus && Object.entries(schema).some(isOther)) {
    const names = rootFields.map(goName).join(' ');
    const detail = `only [${names}] fields are allowed at the root of the schema if the status subresource is enabled`;
    causes.push(invalid(field, schema, detail));
  }
  if (nullable) causes.push(forbidden(`${field}.nullable`, 'nullable cannot be true at the root'));
  return causes;
}
