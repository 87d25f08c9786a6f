// One attempt to reserve the values of a Service: shared by the allocators of its addresses and of its ports.
import type { FieldCause } from '../../base/errors';
import { StatusError } from '../status';

export interface Attempt {
  /** True for a claim that the store refused, since another object holds it. */
  readonly isRefused: (claim: string) => boolean;
  /** Also refuse values that this server sees in use: a refusal names all values in use. */
  readonly strict: boolean;
  readonly dryRun: boolean;
  readonly random: () => number;
  /** Frees each taken value, in the order in which they were taken. */
  readonly taken: Array<() => void>;
}

export const invalidValue = (field: string, value: unknown, why: string): FieldCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

/** As upstream: a full range is an error of the server. */
export function rangeFull(what: string): StatusError {
  const why = `failed to allocate ${what}: range is full`;
  const message = `Internal error occurred: ${why}`;
  return new StatusError(500, 'InternalError', message, { causes: [{ message: why }] }, { verbatim: true });
}
