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

const matches = (name: string): boolean => {
  const shape = shapes[name.slice(0, 3)];
  return shape !== undefined && name.length <= maxBytes && shape.test(name);
};

/** Of a PersistentVolume. */
export const validateInitiator = (name: string, field: string): FieldCause[] =>
  matches(name) ? [] : [invalid(field, name, 'must be valid format')];

export const validateIqn = (iqn: string, field: string): FieldCause[] =>
  iqn === '' ? [required(field)] : validateInitiator(iqn, field);

/** Of a volume of a pod: the message says which beginnings are known. */
export function validateInitiatorOfPod(name: string, field: string): FieldCause[] {
  if (shapes[name.slice(0, 3)]) return validateInitiator(name, field);
  return [invalid(field, name, 'must be valid format starting with iqn, eui, or naa')];
}

export const validateIqnOfPod = (iqn: string, field: string): FieldCause[] =>
  iqn === '' ? [required(field)] : validateInitiatorOfPod(iqn, field);
