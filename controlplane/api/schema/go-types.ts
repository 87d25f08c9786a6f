// How Go's JSON decoder names types and values in its errors: users search for these messages.
import { BadRequest, describeError } from '../../base/errors';
import type { FieldSchema, ObjectSchema } from './schema';

/** The type as Go prints it in an error. */
export function goType(field: FieldSchema): string {
  if (field.goType !== undefined) return field.goType;
  switch (field.type) {
    case 'integer':
      return field.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array':
      return `[]${goType(field.items!)}`;
    case 'map':
      return `map[string]${goType(field.items!)}`;
    case 'object':
      return goObject(field.object!);
    case 'quantity':
      return 'resource.Quantity';
    case 'any':
      return field.format === undefined ? 'runtime.RawExtension' : `v1.${field.format}`;
    default:
      return field.format === 'byte' ? '[]uint8' : 'string';
  }
}

/** io.k8s.api.core.v1.Container is v1.Container in Go; an object without a named type is a map. */
export const goObject = ({ name }: ObjectSchema): string =>
  name === undefined ? 'map[string]interface {}' : name.split('.').slice(-2).join('.');

/**
 * What a Go type is underneath: v1.RestartPolicy is a string, v1.ResourceList a map. `json`: the type reads its JSON itself, as
 * Time and IntOrString do.
 */
export type GoShape = 'struct' | 'map' | 'slice' | 'string' | 'bool' | 'int32' | 'int64' | 'float64' | 'json';

/** A JSON value of the wrong type, with the message of Go's JSON decoder. `found` is how this message calls the value. */
export class WrongType extends BadRequest {
  constructor(
    readonly value: unknown,
    readonly found: string,
    goPath: string,
    readonly type: string,
    readonly shape: GoShape,
  ) {
    const into = goPath === '' ? 'Go value' : `Go struct field ${goPath}`;
    super(`json: cannot unmarshal ${found} into ${into} of type ${type}`);
  }
}

/** Go's error for a JSON value of the wrong type. */
export const wrongType = (value: unknown, goPath: string, type: string, shape: GoShape = 'struct'): WrongType =>
  new WrongType(value, describe(value), goPath, type, shape);

/** Go's error for a number with a fraction or out of range where the type is an integer. */
export const wrongNumber = (value: number, goPath: string, type: string, shape: GoShape): WrongType =>
  new WrongType(value, `number ${value}`, goPath, type, shape);

/** Text that is not base64. */
export class WrongBase64 extends BadRequest {}

/** The shape of a scalar field. */
export const scalarShape = (field: FieldSchema): GoShape => {
  if (field.type === 'integer') return field.format === 'int32' ? 'int32' : 'int64';
  if (field.type === 'number') return 'float64';
  if (field.type === 'boolean') return 'bool';
  if (field.format === 'byte') return 'slice';
  return field.format?.startsWith('date-time') ? 'json' : 'string';
};

/**
 * The error of a decoder as the converter says it that upstream uses after a strategic merge patch: it converts Go's own values,
 * not JSON (apimachinery, runtime.DefaultUnstructuredConverter).
 */
export function conversionError(cause: unknown): string {
  if (cause instanceof WrongBase64) return `error decoding from json: ${cause.message}`;
  if (!(cause instanceof WrongType)) return describeError(cause);
  const { value, found, type, shape } = cause;
  const kind = kindOf(value);
  if (shape === 'struct') return `cannot restore struct from: ${kind}`;
  if (shape === 'map' || shape === 'slice') return `cannot restore ${shape} from ${kind}`;
  if (shape === 'json') return `json: cannot unmarshal ${found} into Go value of type ${type}`;
  const integral = shape === 'int32' || shape === 'int64';
  // Out of range: upstream keeps other digits, without an error.
  if (integral && kind === 'int64') return cause.message;
  // Go can convert integers to strings and floats to integers, and the converter refuses both. It does not know other pairs.
  const convertible = kind === 'int64' ? shape === 'string' : kind === 'float64' && integral;
  return convertible ? `cannot convert ${kind} to ${type}` : `unrecognized type: ${shape}`;
}

/** Go's kind of a decoded JSON value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map';
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
