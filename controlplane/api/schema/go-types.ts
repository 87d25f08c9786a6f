// How Go's JSON decoder names types and values in its errors: users search for these messages.
import { BadRequest } from '../../base/errors';
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
    default:
      return field.format === 'byte' ? '[]uint8' : 'string';
  }
}

/** io.k8s.api.core.v1.Container is v1.Container in Go; an object without a named type is a map. */
export const goObject = ({ name }: ObjectSchema): string =>
  name === undefined ? 'map[string]interface {}' : name.split('.').slice(-2).join('.');

/** Go's error for a JSON value of the wrong type. */
export function wrongType(value: unknown, goPath: string, type: string): BadRequest {
  const found = describe(value);
  if (goPath === '') return new BadRequest(`json: cannot unmarshal ${found} into Go value of type ${type}`);
  return new BadRequest(`json: cannot unmarshal ${found} into Go struct field ${goPath} of type ${type}`);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
