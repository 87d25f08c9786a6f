// The rules of x-kubernetes-list-type, x-kubernetes-list-map-keys and x-kubernetes-map-type: server-side apply merges lists and maps
// by them.
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { forbidden, invalid, notSupported, required } from '../validation/causes';
import { isSchema } from './walk';

const mapType = 'x-kubernetes-map-type';
const listType = 'x-kubernetes-list-type';
const listMapKeys = 'x-kubernetes-list-map-keys';

export function mapTypeCauses(schema: Definition, field: string): FieldCause[] {
  const merge = schema[mapType];
  if (merge === undefined) return [];
  const causes = typeCause(schema, field, 'object', `must be object if ${mapType} is specified`);
  const known = ['atomic', 'granular'];
  if (!known.includes(merge)) causes.push(notSupported(`${field}.${mapType}`, merge, known));
  return causes;
}

function typeCause({ type = '' }: Definition, field: string, expected: string, detail: string): FieldCause[] {
  if (type === expected) return [];
  return [type === '' ? required(`${field}.type`, detail) : invalid(`${field}.type`, type, detail)];
}

export function listTypeCauses(schema: Definition, field: string): FieldCause[] {
  const merge = schema[listType];
  const keys = schema[listMapKeys] ?? [];
  const causes: FieldCause[] = [];
  if (merge !== undefined) {
    const wrong = typeCause(schema, field, 'array', `must be array if ${listType} is specified`);
    causes.push(...wrong);
    if (wrong.length === 0 && merge === 'set') causes.push(...setItemCauses(schema.items, `${field}.items`));
    const known = ['atomic', 'set', 'map'];
    if (!known.includes(merge)) causes.push(notSupported(`${field}.${listType}`, merge, known));
  }
  if (keys.length > 0 && merge !== 'map') {
    const detail = `must be map if ${listMapKeys} is non-empty`;
    const at = `${field}.${listType}`;
    causes.push(merge === undefined ? required(at, detail) : invalid(at, merge, detail));
  }
  if (merge === 'map') causes.push(...mapItemCauses(schema, keys, field));
  if (merge === 'map' || merge === 'set') causes.push(...keyedItemCauses(schema, merge, keys, field));
  return causes;
}

/** Items of a set are compared as a whole. */
function setItemCauses(items: Definition | undefined, field: string): FieldCause[] {
  if (!isSchema(items)) return [];
  const detail = `must be atomic as item of a list with ${listType}=set`;
  const merge = items[listType];
  if (items.type === 'array' && merge !== undefined && merge !== 'atomic') {
    return [invalid(`${field}.${listType}`, merge, detail)];
  }
  // Upstream prints the type of the list here, which an object does not have, and nil as a text.
  if (items.type === 'object' && items[mapType] !== 'atomic') {
    return [invalid(`${field}.${mapType}`, items[listType] ?? 'null', detail)];
  }
  return [];
}

const maxKeyCauses = 10;

function mapItemCauses({ items }: Definition, keys: readonly string[], field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (keys.length === 0) {
    causes.push(required(`${field}.${listMapKeys}`, `must not be empty if ${listType} is map`));
  }
  if (items === undefined) {
    causes.push(required(`${field}.items`, `must have a schema if ${listType} is map`));
    return causes;
  }
  if (!isSchema(items)) {
    causes.push(invalid(`${field}.items`, items, `must only have a single schema if ${listType} is map`));
    return causes;
  }
  const { type = '', properties = {} } = items;
  if (type !== 'object') {
    const detail = `must be object if parent array's ${listType} is map`;
    causes.push(invalid(`${field}.items.type`, type, detail));
    return causes;
  }
  const seen = new Set<string>();
  for (const key of keys) {
    // Each message has all keys: so there may not be as many messages as keys.
    if (causes.length > maxKeyCauses) break;
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const at = `${field}.${listMapKeys}`;
    if (!property) causes.push(invalid(at, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const detail = `must be a scalar type if parent array's ${listType} is map`;
      causes.push(invalid(`${field}.items.properties[${key}].type`, type, detail));
    }
    if (seen.has(key)) causes.push(invalid(at, keys, 'must not contain duplicate entries'));
    seen.add(key);
  }
  return causes;
}

/** Items that can be found again have a key, and no item is null. */
function keyedItemCauses({ items }: Definition, type: string, keys: readonly string[], field: string): FieldCause[] {
  if (!isSchema(items)) return [];
  const causes: FieldCause[] = [];
  if (items.nullable) {
    causes.push(forbidden(`${field}.items.nullable`, `cannot be nullable when ${listType} is ${type}`));
  }
  if (type !== 'map') return causes;
  const { properties = {} } = items;
  const names = new Set(items.required);
  for (const key of keys) {
    const property = Object.hasOwn(properties, key) ? properties[key]! : undefined;
    if (!property) continue;
    const at = `${field}.items.properties[${key}]`;
    const why = `this property is in ${listMapKeys}, so it`;
    if (!names.has(key) && property.default === undefined) {
      causes.push(required(`${at}.default`, `${why} must have a default or be a required property`));
    }
    if (property.nullable) causes.push(forbidden(`${at}.nullable`, `${why} cannot be nullable`));
  }
  return causes;
}
