// Whether a custom object follows the schema of its version. A write of the status is judged by the schema of the status alone.
import type { FieldCause } from '../../base/errors';
import type { WriteContext } from '../kind';
import type { Definition } from '../schema/schema';
import type { KubeObject } from '../types';
import { invalid } from '../validation/causes';
import { hasRules } from './has-rules';
import { noField } from './scalar-rules';
import { validateValue } from './validate-value';

type Fields = Readonly<Record<string, unknown>>;

export function validateObject(
  object: KubeObject,
  schema: Definition,
  context: WriteContext<KubeObject>,
): FieldCause[] {
  const causes = valueCauses(object, schema, context);
  const isBlocked = causes.some(({ reason }) => blocking.has(reason)) && hasRules(schema);
  // Upstream prints the value nil as a text.
  return isBlocked ? [...causes, invalid(noField, 'null', notChecked)] : causes;
}

/** Errors after which no rule in CEL is evaluated: its expressions may not fit the object. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const notChecked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function valueCauses(
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
