// Whether a custom object follows the schema of its version. A write of the status is judged by the schema of the status alone.
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import type { Definition } from '../schema/schema';
import type { KubeObject } from '../types';
import { validateValue } from './validate-value';

type Fields = Readonly<Record<string, unknown>>;

export function validateObject(
  object: KubeObject,
  schema: Definition,
  { old, subresource }: WriteContext<KubeObject>,
): FieldCause[] {
  if (subresource !== 'status') return validateValue(object, schema, { old });
  const { status } = object as Fields;
  const inner = schema.properties?.['status'];
  if (status === undefined || !inner) return [];
  return validateValue(status, inner, { field: 'status', old: (old as Fields | undefined)?.['status'] });
}
