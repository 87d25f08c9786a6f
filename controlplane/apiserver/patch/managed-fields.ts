// metadata.managedFields as a list of owners: which manager set which fields, by apply or by update.
import type { V1ManagedFieldsEntry } from '@kubernetes/client-node';
import type { KubeObject, Wire } from '../../api/types';
import { decodeFields, encodeFields, type FieldPath } from './field-path';
import type { Json } from './json';

export type ManagedFieldsEntry = Wire<V1ManagedFieldsEntry>;

export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: Set<FieldPath>;
}

/** @throws BadRequest when fieldsV1 is malformed */
export function ownersOf(object: KubeObject): Owner[] {
  return (object.metadata?.managedFields ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields: decodeFields(entry.fieldsV1 as Json | undefined),
  }));
}

/** Drops owners without fields; appliers come first, then by time and name, as upstream orders them. */
export function encodeOwners(owners: readonly Owner[]): ManagedFieldsEntry[] {
  return owners
    .filter(({ fields }) => fields.size > 0)
    .sort(
      (a, b) =>
        a.operation.localeCompare(b.operation) ||
        (a.time ?? '').localeCompare(b.time ?? '') ||
        a.manager.localeCompare(b.manager),
    )
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

export const isSameOwner = (
  a: Owner,
  b: Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>,
): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion);

/** How a conflict names an owner. */
export function formatOwner({ manager, operation, apiVersion, subresource, time }: Owner): string {
  const name = `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  if (operation === 'Apply') return name;
  return `${name} using ${apiVersion}${time === undefined ? '' : ` at ${time}`}`;
}
