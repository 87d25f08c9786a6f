// Turns schemas into decoders, once per object type. A decoder checks one value, returns it in its canonical form
// (an object is changed in place) and costs a map look-up per field.
import { BadRequest } from '../../base/errors';
import { goObject, goType, wrongType } from './go-types';
import { scalarDecoders } from './scalars';
import type { FieldSchema, ObjectSchema } from './schema';

/** More findings than this are cut off, as upstream does. */
export const maxFindings = 100;

export interface DecodeContext {
  /** Paths of unknown fields, up to the number that is shown; absent when unknown fields are ignored. */
  readonly unknown: string[] | undefined;
  /** The value is a part of an object, as its writer wants it: zero values are neither removed nor added. */
  readonly partial?: boolean;
}

/**
 * `path` is the path with indices (spec.containers[0].name), `goPath` the path that Go's decoder prints:
 * Container.spec.containers.name. The result undefined means absent.
 */
export type Decode = (value: unknown, context: DecodeContext, path: string, goPath: string) => unknown;

const compiled = new WeakMap<ObjectSchema, Decode>();

/** The decoder of an object type; a type that contains itself uses the same decoder again. */
export function compileObject(schema: ObjectSchema): Decode {
  const found = compiled.get(schema);
  if (found) return found;
  const fields = new Map<string, Field>();
  const zeros: Zero[] = [];
  const decode = objectDecoder(fields, zeros, schema);
  compiled.set(schema, decode);
  const required = new Set(schema.required);
  for (const [key, field] of Object.entries(schema.fields)) {
    const collection = field.type === 'array' || field.type === 'map';
    const dropEmpty = collection && !required.has(key) && !schema.unstructured;
    if (field.zero === 'written') zeros.push([key, zeroOf(field)]);
    const keepNull = schema.lenient === true && !isTypedObject(field);
    fields.set(key, {
      decode: compileField(field, schema.lenient),
      dropEmpty,
      keepNull,
      omitsZero: field.zero === 'omitted',
      goName: field.embedded === undefined ? key : `${field.embedded}.${key}`,
    });
  }
  return decode;
}

interface Field {
  readonly decode: Decode;
  /** Go omits empty optional lists and maps when it writes an object. */
  readonly dropEmpty: boolean;
  readonly keepNull: boolean;
  /** Go omits the zero value of the scalar when it writes an object. */
  readonly omitsZero: boolean;
  /** The field in the path that Go prints. */
  readonly goName: string;
}

/** The metadata of an object has a Go type, whatever the rest of the object is. */
const isTypedObject = ({ type, object }: FieldSchema): boolean => type === 'object' && !object!.lenient;

/** A scalar that Go writes even when it is zero. */
type Zero = readonly [key: string, value: unknown];

function objectDecoder(fields: ReadonlyMap<string, Field>, zeros: readonly Zero[], schema: ObjectSchema): Decode {
  const { name = '', open = false } = schema;
  const goName = name.slice(name.lastIndexOf('.') + 1);
  const goType = goObject(schema);
  return (value, context, path, goPath) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrongType(value, goPath, goType, name === '' ? 'map' : 'struct');
    const object = value as Record<string, unknown>;
    for (const key of Object.keys(object)) {
      const field = fields.get(key);
      if (!field) {
        if (open) continue;
        if (context.unknown && context.unknown.length < maxFindings) {
          context.unknown.push(path === '' ? key : `${path}.${key}`);
        }
        delete object[key];
        continue;
      }
      const inner = object[key];
      if (inner === null && field.keepNull) continue;
      const decoded =
        inner === null
          ? undefined
          : field.decode(inner, context, path === '' ? key : `${path}.${key}`, childPath(goName, goPath, field.goName));
      const dropped = field.omitsZero
        ? isZero(decoded) && !context.partial
        : field.dropEmpty && isEmpty(decoded) && !isReset(path, key);
      if (decoded === undefined || dropped) delete object[key];
      else if (decoded !== inner) object[key] = decoded;
    }
    if (context.partial) return object;
    for (const [key, value] of zeros) if (object[key] === undefined) object[key] = value;
    return object;
  };
}

/** An empty list removes the owners of fields, so it says more than an absent one. */
const isReset = (path: string, key: string): boolean => key === 'managedFields' && path === 'metadata';

/** Go prints the innermost struct and then the full path: Container.spec.containers.name. A struct without a name adds none. */
function childPath(goName: string, goPath: string, key: string): string {
  if (goName === '') return `${goPath}.${key}`;
  const dot = goPath.indexOf('.');
  return dot < 0 ? `${goName}.${key}` : `${goName}${goPath.slice(dot)}.${key}`;
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

function compileField(field: FieldSchema, lenient = false): Decode {
  if (lenient) return compileLenient(field);
  switch (field.type) {
    case 'object': {
      const schema = field.object!;
      let decode: Decode | undefined;
      return (value, context, path, goPath) => {
        decode ??= compileObject(schema);
        return decode(value, context, path, goPath);
      };
    }
    case 'array':
      return arrayDecoder(field, compileField(field.items!));
    case 'map':
      return mapDecoder(field, compileField(field.items!));
    case 'any':
      return freeDecoder(field);
    default:
      return scalarDecoders(field);
  }
}

/** Only looks for unknown fields; the metadata of an object is decoded as always. */
function compileLenient(field: FieldSchema): Decode {
  if (field.type === 'object') {
    const decode = compileField(field);
    if (isTypedObject(field)) return decode;
    return (value, context, path, goPath) => (isRecord(value) ? decode(value, context, path, goPath) : value);
  }
  if (field.type === 'array') {
    const decode = arrayDecoder(field, compileLenient(field.items!), keepNull);
    return (value, context, path, goPath) => (Array.isArray(value) ? decode(value, context, path, goPath) : value);
  }
  if (field.type === 'map') {
    const decode = mapDecoder(field, compileLenient(field.items!), keepNull);
    return (value, context, path, goPath) => (isRecord(value) ? decode(value, context, path, goPath) : value);
  }
  return (value) => value;
}

const keepNull = () => null;

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Decodes a value of several types, and the objects in it: JSONSchemaPropsOrBool is an object or a boolean. In Go such a type decodes
 * itself, so strict decoding sees none of its fields.
 */
function freeDecoder(field: FieldSchema): Decode {
  if (field.format === emptyStruct) return objectDecoder(new Map(), [], { name: `v1.${emptyStruct}`, fields: {} });
  const schema = field.object;
  if (!schema) return (value) => value;
  let decode: Decode | undefined;
  return (value, context, path, goPath) => {
    decode ??= compileObject(schema);
    if (field.format === schemaOrBool && typeof value !== 'boolean' && !isRecord(value)) {
      throw new BadRequest('boolean or JSON schema expected');
    }
    const inside = { ...context, unknown: undefined };
    for (const item of Array.isArray(value) ? value : [value]) {
      if (isRecord(item)) decode(item, inside, path, goPath);
      else if (field.format === schemaOrTexts && item !== value && typeof item !== 'string') {
        throw wrongType(item, goPath, 'string');
      }
    }
    return value;
  };
}

/** A struct without fields. */
const emptyStruct = 'CustomResourceSubresourceStatus';
const schemaOrBool = 'JSONSchemaPropsOrBool';
const schemaOrTexts = 'JSONSchemaPropsOrStringArray';

function arrayDecoder(field: FieldSchema, decode: Decode, ofNull: (items: FieldSchema) => unknown = zeroOf): Decode {
  const items = field.items!;
  const type = goType(field);
  return (value, context, path, goPath) => {
    if (!Array.isArray(value)) throw wrongType(value, goPath, type, 'slice');
    for (let i = 0; i < value.length; i++) {
      const inner: unknown = value[i];
      const given = inner === null ? ofNull(items) : inner;
      const decoded = given === null ? given : decode(given, context, `${path}[${i}]`, goPath);
      if (decoded !== inner) value[i] = decoded;
    }
    return value;
  };
}

function mapDecoder(field: FieldSchema, decode: Decode, ofNull: (items: FieldSchema) => unknown = zeroOf): Decode {
  const items = field.items!;
  const type = goType(field);
  return (value, context, path, goPath) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(value, goPath, type, 'map');
    }
    const map = value as Record<string, unknown>;
    for (const key of Object.keys(map)) {
      const inner = map[key];
      const given = inner === null ? ofNull(items) : inner;
      const decoded = given === null ? given : decode(given, context, `${path}.${key}`, goPath);
      if (decoded !== inner) map[key] = decoded;
    }
    return map;
  };
}

/** Go's zero of a type: the value of null inside a list or map. */
export function zeroOf(items: FieldSchema): unknown {
  switch (items.type) {
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'any':
      return items.format === 'JSON' ? null : {};
    case 'object':
    case 'map':
      return {};
    case 'quantity':
      return '0';
    default:
      return '';
  }
}
