// Owners after a write that is not an apply: its manager owns the fields that the write adds or changes, removed fields lose their
// owners. The cost of an update is that of the comparison of the two objects; sets of owners share all that the write leaves.
import type { ObjectSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import { type Comparison, compare } from './compare';
import { type OwnedKind, rootPlan } from './field-plan';
import { difference, union } from './field-tree';
import type { JsonObject } from './json';
import {
  capUpdaters,
  encodeOwners,
  isSameOwner,
  type ManagedFieldsEntry,
  type Owner,
  readOwners,
  sameEntries,
  storedOwners,
} from './managed-fields';

export interface TrackedWrite {
  readonly kind: OwnedKind;
  /** The schema of this kind's objects. */
  readonly schema: ObjectSchema;
  /** The fieldManager of the request. */
  readonly manager: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
export interface TrackedUpdate extends TrackedWrite {
  /** The stored object; absent when the write creates it. */
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
  /** False: an object that is created gets no owners. They begin at its first apply. */
  readonly onCreate: boolean;
}

/**
 * The managedFields of `after`: undefined for none. A writer that sends none keeps the stored ones; a writer of the object itself
 * may change them, and clears them by an empty list or by one empty entry. Updates give no owners to an object that has none.
 * `changesOf`: what the write changes in the version of an owner; by default all owners have the version of the kind.
 */
export function trackUpdate(
  update: TrackedUpdate,
  changesOf?: (owner: Owner) => Comparison | undefined,
): ManagedFieldsEntry[] | undefined {
  const { before, after, kind, schema, subresource, manager, now } = update;
  const entries = entriesOf(update);
  if (!entries && (before || !update.onCreate)) return undefined;
  const found = compare((before ?? {}) as JsonObject, after as JsonObject, rootPlan(kind, schema, subresource));
  if (!found) return entries;
  const identity = { manager, operation: 'Update' as const, apiVersion: kind.apiVersion, subresource };
  const owners = storedOwners(entries ?? []);
  const mine = owners.find((owner) => isSameOwner(owner, identity));
  const kept = owners.flatMap((owner) => (owner === mine ? [] : reduced(owner, changesOf ? changesOf(owner) : found)));
  const { changed, removed } = found;
  const fields = union(difference(mine?.fields, removed), changed);
  // The time is that of the last change: a write that only removes fields leaves it.
  if (fields) kept.push({ ...identity, time: changed ? formatTime(now) : mine?.time, fields });
  const result = encodeOwners(capUpdaters(kept));
  return result.length > 0 ? result : undefined;
}

/** The owner without the fields of a write: nothing when no field is left. */
export function reduced(owner: Owner, found: Comparison | undefined): Owner[] {
  const { changed, removed } = found ?? {};
  const fields = difference(difference(owner.fields, changed), removed);
  if (fields === owner.fields) return [owner];
  return fields ? [{ ...owner, fields }] : [];
}

/** The owners before this write. */
export const ownersBefore = (update: TrackedUpdate): Owner[] => storedOwners(entriesOf(update) ?? []);

/** The entries before this write: those that the writer sent, where it may change them, else the stored ones. */
function entriesOf({ before, after, subresource }: TrackedUpdate): ManagedFieldsEntry[] | undefined {
  const stored = before?.metadata?.managedFields;
  const sent = after.metadata?.managedFields;
  if (!sent || subresource !== '' || (stored && sameEntries(stored, sent))) return present(stored);
  if (isCleared(sent)) return undefined;
  try {
    const owners = readOwners(sent);
    // A client that does not understand the field must not remove it by accident.
    return owners.length > 0 ? encodeOwners(owners) : present(stored);
  } catch {
    return present(stored);
  }
}

const present = (entries: ManagedFieldsEntry[] | undefined) => (entries?.length ? entries : undefined);

const isCleared = (sent: readonly ManagedFieldsEntry[]): boolean =>
  sent.length === 0 || (sent.length === 1 && Object.keys(sent[0]!).length === 0);
