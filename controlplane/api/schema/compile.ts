// Turns schemas into decoders, once per definition. A decoder checks one value, returns it in its canonical form
// (an object is changed in place) and costs a map look-up per field.
import { goRef, goType, wrongType } from './go-types';
import { scalarDecoders } from './scalars';
import type { FieldSchema, ObjectSchema } from './schema';

/** More findings than this are cut off, as upstream does. */
export const maxFindings = 100;

export interface DecodeContext {
  /** Paths of unknown fields, as many as are ever shown; absent where they are ignored. */
  readonly unknown: string[] | undefined;
}

/**
 * `path` is the place with indices (spec.containers[0].name), `goPath` the one Go's decoder prints:
 * Container.spec.containers.name. Returning undefined means absent.
 */
export type Decode = (value: unknown, context: DecodeContext, path: string, goPath: string) => unknown;

type Definitions = Readonly<Record<string, ObjectSchema>>;

const compiled = new WeakMap<Definitions, Map<string, Decode>>();

/** The decoder of a definition; recursive definitions find the same decoder again. @throws Error for an unknown name */
export function compileObject(name: string, definitions: Definitions): Decode {
  let known = compiled.get(definitions);
  if (!known) {
    known = new Map();
    compiled.set(definitions, known);
  }
  const found = known.get(name);
  if (found) return found;
  const schema = definitions[name];
  if (!schema) throw new Error(`schema ${name} does not exist`);
  const fields = new Map<string, Field>();
  const goName = name.slice(name.lastIndexOf('.') + 1);
  const decode = objectDecoder(fields, goName, goRef(name));
  known.set(name, decode);
  const required = new Set(schema.required);
  for (const [key, field] of Object.entries(schema.fields)) {
    const collection = field.type === 'array' || field.type === 'map';
    fields.set(key, { decode: compileField(field, definitions), dropEmpty: collection && !required.has(key) });
  }
  return decode;
}

interface Field {
  readonly decode: Decode;
  /** Go omits empty optional lists and maps when it writes an object. */
  readonly dropEmpty: boolean;
}

function objectDecoder(fields: ReadonlyMap<string, Field>, goName: string, goType: string): Decode {
  return (value, context, path, goPath) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(value, goPath, goType);
    const object = value as Record<string, unknown>;
    for (const key of Object.keys(object)) {
      const field = fields.get(key);
      if (!field) {
        if (context.unknown && context.unknown.length < maxFindings) {
          context.unknown.push(path === '' ? key : `${path}.${key}`);
        }
        delete object[key];
        continue;
      }
      const inner = object[key];
      const decoded =
        inner === null
          ? undefined
          : field.decode(inner, context, path === '' ? key : `${path}.${key}`, childPath(goName, goPath, key));
      if (decoded === undefined || (field.dropEmpty && isEmpty(decoded))) delete object[key];
      else if (decoded !== inner) object[key] = decoded;
    }
    return object;
  };
}

/** Go names the innermost struct and then the whole way: Container.spec.containers.name. */
function childPath(goName: string, goPath: string, key: string): string {
  const dot = goPath.indexOf('.');
  return dot < 0 ? `${goName}.${key}` : `${goName}${goPath.slice(dot)}.${key}`;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

function compileField(field: FieldSchema, definitions: Definitions): Decode {
  switch (field.type) {
    case 'ref': {
      const name = field.ref!;
      let decode: Decode | undefined;
      return (value, context, path, goPath) => {
        decode ??= compileObject(name, definitions);
        return decode(value, context, path, goPath);
      };
    }
    case 'array':
      return arrayDecoder(field.items!, compileField(field.items!, definitions));
    case 'map':
      return mapDecoder(field.items!, compileField(field.items!, definitions));
    case 'any':
      return (value) => value;
    default:
      return scalarDecoders(field);
  }
}

function arrayDecoder(items: FieldSchema, decode: Decode): Decode {
  return (value, context, path, goPath) => {
    if (!Array.isArray(value)) throw wrongType(value, goPath, `[]${goType(items)}`);
    for (let i = 0; i < value.length; i++) {
      const inner: unknown = value[i];
      const decoded = inner === null ? zeroOf(items) : decode(inner, context, `${path}[${i}]`, goPath);
      if (decoded !== inner) value[i] = decoded;
    }
    return value;
  };
}

function mapDecoder(items: FieldSchema, decode: Decode): Decode {
  return (value, context, path, goPath) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(value, goPath, `map[string]${goType(items)}`);
    }
    const map = value as Record<string, unknown>;
    for (const key of Object.keys(map)) {
      const inner = map[key];
      const decoded = inner === null ? zeroOf(items) : decode(inner, context, `${path}.${key}`, goPath);
      if (decoded !== inner) map[key] = decoded;
    }
    return map;
  };
}

/** What null inside a list or map stands for. */
function zeroOf(items: FieldSchema): unknown {
  switch (items.type) {
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'ref':
    case 'map':
    case 'any':
      return {};
    case 'quantity':
      return '0';
    default:
      return '';
  }
}
