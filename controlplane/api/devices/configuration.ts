// Parameters for the driver of a device: any JSON object, of bounded length.
import type { FieldCause } from '../../base/errors';
import { invalid, required, tooLong } from '../validation/causes';
import { validateDriverName } from '../volumes/source-checks';
import type { OpaqueConfiguration } from './types';

export const mostConfigurations = 32;
const longestParameters = 10 * 1024;

/** @param stored the parameters were accepted before, perhaps by a server with another bound */
export function validateConfiguration(
  { opaque }: { readonly opaque?: OpaqueConfiguration | undefined },
  field: string,
  stored = false,
): FieldCause[] {
  if (!opaque) return [required(`${field}.opaque`)];
  return [
    ...validateDriverName(opaque.driver ?? '', `${field}.opaque.driver`),
    ...validateJsonObject(opaque.parameters, `${field}.opaque.parameters`, stored ? undefined : longestParameters),
  ];
}

export function validateJsonObject(value: unknown, field: string, longest: number | undefined): FieldCause[] {
  if (value === undefined || value === null) return [required(field)];
  if (longest !== undefined && Buffer.byteLength(JSON.stringify(value)) > longest) return [tooLong(field, longest)];
  const isObject = typeof value === 'object' && !Array.isArray(value);
  return isObject ? [] : [invalid(field, '<value omitted>', 'must be a valid JSON object')];
}
