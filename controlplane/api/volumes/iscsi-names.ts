// The names of iSCSI targets and initiators: RFC 3720.
import type { FieldCause } from '../../base/errors';
import { invalid, required } from '../validation/causes';

/** By the type at the beginning of the name. */
const shapes: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};
/** Upstream's bound of names; longer texts are not matched, since a pattern may need long for them. */
const maxBytes = 4096;

function validate(name: string, field: string): FieldCause[] {
  const shape = shapes[name.slice(0, 3)];
  return shape && name.length <= maxBytes && shape.test(name) ? [] : [invalid(field, name, 'must be valid format')];
}

export const validateIqn = (iqn: string, field: string): FieldCause[] =>
  iqn === '' ? [required(field)] : validate(iqn, field);

export const validateInitiator = validate;
