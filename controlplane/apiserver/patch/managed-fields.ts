// metadata.managedFields as a list of owners: which manager set which fields, by apply or by update.
import type { V1ManagedFieldsEntry } from '@kubernetes/client-node';
import type { Wire } from '../../api/types';
import { equalJson } from '../rest/equal';
import { ordered } from './field-order';
import { type FieldTree, readFields, union } from './field-tree';

export type ManagedFieldsEntry = Wire<V1ManagedFieldsEntry>;

export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldTree;
}

/** The owners of a stored object, whose entries were checked when they were written. */
export const storedOwners = (entries: readonly ManagedFieldsEntry[]): Owner[] =>
  entries.flatMap((entry) => ownerOf(entry, entry.fieldsV1 as FieldTree | undefined));

/** Owners that a client sent. @throws BadRequest when an entry is malformed */
export const readOwners = (entries: readonly ManagedFieldsEntry[]): Owner[] =>
  entries.flatMap((entry) => ownerOf(entry, readFields(entry.fieldsV1)));

/** Nothing for an entry without fields. */
function ownerOf(entry: ManagedFieldsEntry, fields: FieldTree | undefined): Owner[] {
  if (!fields) return [];
  const { manager = '', apiVersion = '', subresource = '', time } = entry;
  const operation = entry.operation === 'Apply' ? 'Apply' : 'Update';
  return [{ manager, operation, apiVersion, subresource, time, fields }];
}

/** Whether the lists differ at most in the order of keys. */
export const sameEntries = (a: readonly ManagedFieldsEntry[], b: readonly ManagedFieldsEntry[]): boolean =>
  equalJson(a, b);

const textOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Appliers first, then by time and name, as upstream orders them. */
const inOrder = (a: Owner, b: Owner): number =>
  textOrder(a.operation, b.operation) ||
  textOrder(a.time ?? '', b.time ?? '') ||
  textOrder(a.manager, b.manager) ||
  textOrder(a.apiVersion, b.apiVersion) ||
  textOrder(a.subresource, b.subresource);

export const encodeOwners = (owners: readonly Owner[]): ManagedFieldsEntry[] => [...owners].sort(inOrder).map(entryOf);

function entryOf({ manager, operation, apiVersion, subresource, time, fields }: Owner): ManagedFieldsEntry {
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: ordered(fields),
    ...(subresource === '' ? {} : { subresource }),
  };
}

type Identity = Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

export const isSameOwner = (a: Identity, b: Identity): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion);

/** How a conflict names an owner. */
export function formatOwner({ manager, operation, apiVersion, subresource }: Identity): string {
  const name = `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === 'Apply' ? name : `${name} using ${apiVersion}`;
}

const maxUpdaters = 10;
/** The owner into which the oldest ones are merged. */
const ancient = 'ancient-changes';

/** At most ten owners by update: the oldest ones become one for each version of the API. */
export function capUpdaters(owners: readonly Owner[]): readonly Owner[] {
  const updaters = owners.filter(({ operation }) => operation === 'Update');
  let count = updaters.length;
  if (count <= maxUpdaters) return owners;
  updaters.sort((a, b) => textOrder(a.time ?? '', b.time ?? '') || inOrder(a, b));
  const kept = new Set(owners);
  // The first owner of a version stays as it is until a second one of this version is merged with it.
  const oldest = new Map<string, Owner>();
  for (const owner of updaters) {
    if (count <= maxUpdaters) break;
    const { apiVersion } = owner;
    const first = oldest.get(apiVersion);
    if (first) {
      kept.delete(first);
      kept.delete(owner);
      count--;
      const identity = { manager: ancient, operation: 'Update' as const, apiVersion, subresource: '' };
      const merged = { ...identity, time: owner.time, fields: union(first.fields, owner.fields) };
      kept.add(merged);
      oldest.set(apiVersion, merged);
    } else oldest.set(apiVersion, owner);
  }
  return [...kept];
}
