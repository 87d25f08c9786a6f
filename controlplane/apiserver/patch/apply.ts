// Server-side apply: a writer sends only the fields it manages and becomes their owner; a field that another owner set to
// another value is a conflict. Source: the concept page "Server-Side Apply" and KEP-555.
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { decodeStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import { BadRequest, Conflict, TooLarge } from '../../base/errors';
import { appliedFields, type Comparison, compare } from './compare';
import { rootPlan, type ValuePlan } from './field-plan';
import {
  apartFrom,
  difference,
  eachPath,
  type FieldTree,
  formatPath,
  intersection,
  member,
  sizeOf,
  union,
} from './field-tree';
import { isObject, type Json, type JsonObject } from './json';
import { encodeOwners, formatOwner, isSameOwner, type Owner, readOwners } from './managed-fields';
import { reduced, type TrackedWrite } from './track-update';
import { mergeTyped, removeFields } from './typed';

/** The manager of `kubectl apply --server-side`: it continues the ownership of kubectl's client-side apply. */
const kubectl = 'kubectl';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const lastAppliedField: FieldTree = {
  'f:metadata': { 'f:annotations': { [`f:${lastAppliedAnnotation}`]: member } },
};
/** The manager of `kubectl apply` without --server-side. */
const kubectlClientSide = 'kubectl-client-side-apply';

/** The owner of all fields from before the first apply. */
const beforeFirstApply = 'before-first-apply';

export interface ApplyRequest extends TrackedWrite {
  /** The stored object; absent when the apply creates it. */
  readonly live: KubeObject | undefined;
  /** The parsed body. */
  readonly applied: KubeObject;
  /** Takes over fields of other owners. */
  readonly force: boolean;
}

export const rootField = (object: ObjectSchema): FieldSchema => ({ type: 'object', object });

/** A bound: an apply takes some microseconds for each field. Atomic values count once. */
const maxOwnedFields = 5_000;
/** Of all managers together: each write of the object walks over all of them. */
const maxSharedFields = 20_000;

/**
 * The object after `applied` is applied, with managedFields; `live` itself is not changed. Not yet decoded, defaulted
 * or validated. All owners count as owners of the kind's own version: for others see owner-versions.ts.
 * @throws Conflict naming each owner and field unless `force`; BadRequest for a body with managedFields
 */
export function apply(request: ApplyRequest): KubeObject {
  const begun = beginApply(request);
  const { mine, others, owned, merged } = begun;
  let result = merged;
  if (mine) {
    const inUse = others.reduce<FieldTree | undefined>((all, { fields }) => union(all, fields), owned);
    const abandoned = apartFrom(mine.fields, inUse);
    if (abandoned) result = removeFields(result, abandoned, rootField(request.schema), inUse);
  }
  const found = changesOf(request, begun, result);
  return endApply(request, begun, result, { found, of: () => found });
}

/** An apply before its last step. */
export interface BegunApply {
  readonly plan: ValuePlan;
  /** The fields of the body. */
  readonly owned: FieldTree | undefined;
  readonly identity: Omit<Owner, 'time' | 'fields'>;
  /** What the manager applied last. */
  readonly mine: Owner | undefined;
  readonly others: readonly Owner[];
  /** The stored object with the fields of the body, before fields that the manager no longer applies are removed. */
  readonly merged: JsonObject;
}

/** @throws BadRequest, TooLarge */
export function beginApply(request: ApplyRequest): BegunApply {
  const { live, applied, manager, kind, subresource } = request;
  if (applied.metadata?.managedFields?.length) throw new BadRequest('metadata.managedFields must be nil');
  const plan = rootPlan(kind, request.schema, subresource);
  const owned = ownedBy(applied, plan);
  const identity = { manager, operation: 'Apply' as const, apiVersion: kind.apiVersion, subresource };
  const owners = live ? knownOwners(live, request, plan) : [];
  const mine = owners.find((owner) => isSameOwner(owner, identity));
  const others = owners.filter((owner) => owner !== mine);
  const schema = rootField(request.schema);
  const merged = live
    ? (mergeTyped(live as JsonObject, onlyOwned(applied, live), schema) as JsonObject)
    : ({ ...applied } as JsonObject);
  return { plan, owned, identity, mine, others, merged };
}

/** Undefined when the apply changes nothing. */
export const changesOf = ({ live }: ApplyRequest, { plan }: BegunApply, result: JsonObject): Comparison | undefined =>
  compare((live ?? {}) as JsonObject, result, plan);

/** What a write changes: in its own version, and in the version of an owner. */
export interface Changes {
  readonly found: Comparison | undefined;
  of(owner: Owner): Comparison | undefined;
}

/** @throws Conflict, TooLarge */
export function endApply(request: ApplyRequest, begun: BegunApply, result: JsonObject, changes: Changes): KubeObject {
  const { live, applied, manager, now, force } = request;
  const { plan, owned, identity, mine, others } = begun;
  const { found } = changes;
  const yielding = manager === kubectl && live ? lastAppliedFields(live, plan) : undefined;
  const kept = found ? settle(others, changes, { force, yielding }) : others;
  // The time is that of the last change of the object.
  const changed = !live || (found && differs(live, result, request.schema, plan));
  const time = changed ? formatTime(now) : mine?.time;
  const next = owned ? [...kept, { ...identity, fields: owned, time }] : kept;
  if (next.length > 1) checkShared(next, [...others, ...(mine ? [mine] : [])]);
  const managedFields = encodeOwners(next);
  const metadata = { ...(result as KubeObject).metadata, managedFields };
  if (manager === kubectl && live?.metadata?.annotations?.[lastAppliedAnnotation]) {
    // A later client-side apply reads the last applied object from this annotation.
    const annotations = { ...metadata.annotations, [lastAppliedAnnotation]: `${JSON.stringify(applied)}\n` };
    return { ...result, metadata: { ...metadata, annotations } } as KubeObject;
  }
  return { ...result, metadata } as KubeObject;
}

/** A zero value that the object will not keep, as `hostNetwork: false`, is no change. @throws BadRequest as decoding does */
function differs(live: KubeObject, result: JsonObject, schema: ObjectSchema, plan: ValuePlan): boolean {
  const form = structuredClone(result);
  decodeStructure(schema, form, undefined);
  return compare(live as JsonObject, form, plan) !== undefined;
}

/** @throws TooLarge for more fields than an owner may have */
function ownedBy(object: KubeObject, plan: ValuePlan): FieldTree | undefined {
  const fields = appliedFields(object as JsonObject, plan);
  if (sizeOf(fields) > maxOwnedFields)
    throw new TooLarge(`more than ${maxOwnedFields} fields of an object cannot be owned`);
  return fields;
}

/** An object that has too many already may keep them. @throws TooLarge */
function checkShared(next: readonly Owner[], before: readonly Owner[]): void {
  const count = (owners: readonly Owner[]) => owners.reduce((sum, { fields }) => sum + sizeOf(fields), 0);
  const owned = count(next);
  if (owned <= maxSharedFields || owned <= count(before)) return;
  throw new TooLarge(`the managers of an object cannot own more than ${maxSharedFields} fields together`);
}

/**
 * Fields that the last client-side apply set and no other writer changed since: `kubectl apply --server-side` may change them
 * without force. Empty when there was no client-side apply, or its annotation cannot be parsed.
 */
function lastAppliedFields(live: KubeObject, plan: ValuePlan): FieldTree | undefined {
  const text = live.metadata?.annotations?.[lastAppliedAnnotation];
  if (!text) return undefined;
  try {
    const recorded = JSON.parse(text) as Json;
    if (!isObject(recorded)) return undefined;
    return difference(appliedFields(recorded, plan), compare(live as JsonObject, recorded, plan)?.changed);
  } catch (err) {
    if (err instanceof SyntaxError) return undefined;
    throw err;
  }
}

/** The body without the fields that only identify the object: these keep their stored values. */
function onlyOwned(applied: KubeObject, live: KubeObject): JsonObject {
  const { uid, resourceVersion, creationTimestamp, generation } = live.metadata ?? {};
  const metadata = { ...applied.metadata, uid, resourceVersion, creationTimestamp, generation };
  const known = Object.entries(metadata).filter(([key, value]) => value !== undefined && key !== 'managedFields');
  return { ...applied, metadata: Object.fromEntries(known) } as JsonObject;
}

/**
 * The owners of the stored object. One without managedFields was written without owners: before-first-apply owns its fields, except
 * those that the last client-side apply set and no other writer changed since. These belong to kubectl-client-side-apply, as if they
 * had been recorded: kubectl takes them over and deletes those that its manifest lacks.
 */
function knownOwners(live: KubeObject, { kind, now }: TrackedWrite, plan: ValuePlan): Owner[] {
  const owners = readOwners(live.metadata?.managedFields ?? []);
  if (owners.length > 0) return owners;
  const all = compare({}, live as JsonObject, plan)?.changed;
  const isRecorded = live.metadata?.annotations?.[lastAppliedAnnotation] !== undefined;
  const recorded = isRecorded ? union(lastAppliedFields(live, plan), lastAppliedField) : undefined;
  const clientSide = intersection(all, recorded);
  const owner = (manager: string, fields: FieldTree | undefined): Owner[] => {
    const { apiVersion } = kind;
    const identity = { manager, operation: 'Update' as const, apiVersion, subresource: '' };
    return fields ? [{ ...identity, time: formatTime(now), fields }] : [];
  };
  return [...owner(kubectlClientSide, clientSide), ...owner(beforeFirstApply, difference(all, clientSide))];
}

interface Takeover {
  readonly force: boolean;
  /** Fields whose change is never a conflict. */
  readonly yielding: FieldTree | undefined;
}

/** The other owners after the change. @throws Conflict */
function settle(others: readonly Owner[], changes: Changes, { force, yielding }: Takeover): Owner[] {
  const conflicts = others.flatMap((owner) => {
    const disputed = difference(intersection(owner.fields, changes.of(owner)?.changed), yielding);
    return disputed ? [{ owner, fields: disputed }] : [];
  });
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  return others.flatMap((owner) => reduced(owner, changes.of(owner)));
}

function conflictError(conflicts: readonly { owner: Owner; fields: FieldTree }[]): Conflict {
  const found = conflicts
    .map(({ owner, fields }) => {
      const paths: string[] = [];
      eachPath(fields, (elements) => paths.push(formatPath(elements)));
      return { with: formatOwner(owner), paths };
    })
    .sort((a, b) => (a.with < b.with ? -1 : 1));
  const causes = found.flatMap((one) =>
    one.paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${one.with}`, field })),
  );
  const [only] = causes;
  const text =
    causes.length === 1
      ? `1 conflict: ${only!.message}: ${only!.field}`
      : `${causes.length} conflicts: ${found.map((one) => [`conflicts with ${one.with}:`, ...one.paths.map((path) => `- ${path}`)].join('\n')).join('\n')}`;
  return new Conflict(`Apply failed with ${text}`, { details: { causes } });
}
