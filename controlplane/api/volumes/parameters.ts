// The program that provides volumes, and the parameters for it: of StorageClasses and VolumeAttributesClasses.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, required, tooLong } from '../validation/causes';
import { qualifiedName } from '../validation/names';

const maxBytes = 256 * 1024;
const maxNumber = 512;

/** The name in messages is in lower case, as upstream. */
export function validateProvisioner(provisioner: string, field: string): FieldCause[] {
  const name = provisioner.toLowerCase();
  return name === '' ? [required(field)] : invalidEach(field, name, qualifiedName(name));
}

export function validateParameters(parameters: Readonly<Record<string, string>>, field: string): FieldCause[] {
  const entries = Object.entries(parameters);
  if (entries.length > maxNumber) return [tooLong(field, maxNumber)];
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...(Object.hasOwn(parameters, '') ? [invalid(field, '', 'field can not be empty.')] : []),
    ...(bytes > maxBytes ? [tooLong(field, maxBytes)] : []),
  ];
}
