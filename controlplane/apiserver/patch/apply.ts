// Server-side apply: a writer sends only the fields it manages and becomes their owner; a field that another owner set to
// another value is a conflict. Source: the concept page "Server-Side Apply" and KEP-555.
import { type KeptMetadata, writesStatus } from '../../api/kind';
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import { BadRequest, Conflict } from '../../base/errors';
import { type FieldPath, formatPath, isBelow, joinPath, sameFields, union, withAncestors, without } from './field-path';
import type { JsonObject } from './json';
import { encodeOwners, formatOwner, isSameOwner, type Owner, ownersOf } from './managed-fields';
import { changedFields, type FieldValues, fieldValues, mergeTyped, removeFields } from './typed';

/** The manager of `kubectl apply --server-side`: it continues the ownership of kubectl's client-side apply. */
const kubectl = 'kubectl';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const lastAppliedPath = ['f:annotations', `f:${lastAppliedAnnotation}`].reduce(joinPath, 'f:metadata');
/** The manager of `kubectl apply` without --server-side. */
const kubectlClientSide = 'kubectl-client-side-apply';

/** The owner of all fields from before the first apply. */
const beforeFirstApply = 'before-first-apply';

/** The parts of a kind on which ownership depends. */
interface AppliedKind {
  readonly apiVersion: string;
  readonly options: { readonly hasStatus?: boolean; readonly statusKeeps?: readonly KeptMetadata[] };
}
interface Write {
  readonly kind: AppliedKind;
  /** The schema of this kind's objects. */
  readonly schema: ObjectSchema;
  /** The fieldManager of the request. */
  readonly manager: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
export interface ApplyRequest extends Write {
  /** The stored object; absent when the apply creates it. */
  readonly live: KubeObject | undefined;
  /** The parsed body. */
  readonly applied: KubeObject;
  /** Takes over fields of other owners. */
  readonly force: boolean;
}

export const rootField = (object: ObjectSchema): FieldSchema => ({ type: 'object', object });

/** Fields without owners: they identify the object, or only the server sets them. */
const unowned = new Set(
  [
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'selfLink',
    'managedFields',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ]
    .map((key) => joinPath('f:metadata', `f:${key}`))
    .concat('f:apiVersion', 'f:kind', 'f:metadata'),
);

type Scope = Pick<Write, 'kind' | 'schema' | 'subresource'>;

/** The fields of `object` that can be owned through this subresource. */
function ownable(object: KubeObject, { kind, schema, subresource }: Scope): FieldValues {
  const values = fieldValues(object as JsonObject, rootField(schema));
  const statusWrite = writesStatus(kind, subresource);
  for (const path of values.keys()) {
    const inStatus = path === 'f:status' || isBelow(path, 'f:status');
    const managed = isBelow(path, joinPath('f:metadata', 'f:managedFields'));
    const kept = statusWrite && keptByStatus(kind).some((field) => path === field || isBelow(path, field));
    if (
      unowned.has(path) ||
      managed ||
      kept ||
      ((kind.options.hasStatus ?? false) && inStatus !== statusWrite && !isMetadata(path))
    )
      values.delete(path);
  }
  return values;
}

/** Metadata that a write of the status cannot change, so its writer cannot own them. */
const keptByStatus = ({ options }: AppliedKind): FieldPath[] =>
  (options.statusKeeps ?? []).map((field) => joinPath('f:metadata', `f:${field}`));
const isMetadata = (path: FieldPath): boolean => isBelow(path, 'f:metadata');

/**
 * The object after `applied` is applied, with managedFields; `live` itself is not changed. Not yet decoded, defaulted
 * or validated.
 * @throws Conflict naming each owner and field unless `force`; BadRequest for a body with managedFields
 */
export function apply(request: ApplyRequest): KubeObject {
  const { live, applied, manager, kind, subresource, now, force } = request;
  if (applied.metadata?.managedFields?.length) throw new BadRequest('metadata.managedFields must be nil');
  const schema = rootField(request.schema);
  const fields = ownable(applied, request);
  const owned = new Set(fields.keys());
  const identity = { manager, operation: 'Apply' as const, apiVersion: kind.apiVersion, subresource };
  const owners = live ? knownOwners(live, request) : [];
  const mine = owners.find((owner) => isSameOwner(owner, identity));
  const others = owners.filter((owner) => owner !== mine);
  const before = live ? ownable(live, request) : new Map();
  let result = live
    ? (mergeTyped(live as JsonObject, onlyOwned(applied, live), schema) as JsonObject)
    : ({ ...applied } as JsonObject);
  const changed = changedFields(before, ownable(result as KubeObject, request));
  const lastApplied = manager === kubectl && live ? lastAppliedFields(live, before, request) : new Set<FieldPath>();
  const kept = settle(others, changed, { force, yielding: lastApplied });
  if (mine) {
    const stillOwned = new Set([owned, ...kept.map((owner) => owner.fields)].flatMap((paths) => [...paths]));
    const stays = (path: FieldPath) => stillOwned.has(path);
    result = removeFields(result, abandoned(mine.fields, owned, stillOwned), schema, stays);
  }
  const same = mine !== undefined && sameFields(mine.fields, owned) && changed.size === 0;
  const entry: Owner = { ...identity, fields: owned, time: same ? mine.time : formatTime(now) };
  const metadata = { ...(result as KubeObject).metadata, managedFields: encodeOwners([...kept, entry]) };
  if (manager === kubectl && live?.metadata?.annotations?.[lastAppliedAnnotation]) {
    // A later client-side apply reads the last applied object from this annotation.
    const annotations = { ...metadata.annotations, [lastAppliedAnnotation]: `${JSON.stringify(applied)}\n` };
    return { ...result, metadata: { ...metadata, annotations } } as KubeObject;
  }
  return { ...result, metadata } as KubeObject;
}

/**
 * Fields that the last client-side apply set and no other writer changed since: `kubectl apply --server-side` may change them
 * without force. Empty when there was no client-side apply, or its annotation cannot be parsed.
 */
function lastAppliedFields(live: KubeObject, before: FieldValues, write: Write): Set<FieldPath> {
  const text = live.metadata?.annotations?.[lastAppliedAnnotation];
  if (!text) return new Set();
  try {
    const recorded = ownable(JSON.parse(text) as KubeObject, write);
    const changed = changedFields(before, recorded);
    return new Set([...recorded.keys()].filter((path) => !changed.has(path)));
  } catch (err) {
    if (err instanceof SyntaxError) return new Set();
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
 * The owners of an object without managedFields. kubectl-client-side-apply owns the fields that the last client-side apply set and no
 * other writer changed since; before-first-apply owns all other fields, whose writers are unknown. kubectl takes over the first
 * owner's fields and deletes those that its manifest lacks, so there must be two owners.
 */
function knownOwners(live: KubeObject, write: Write): Owner[] {
  const owners = ownersOf(live);
  if (owners.length > 0) return owners;
  const { kind, now } = write;
  const values = ownable(live, write);
  const clientSide = lastAppliedFields(live, values, write);
  if (live.metadata?.annotations?.[lastAppliedAnnotation]) clientSide.add(lastAppliedPath);
  const time = live.metadata?.creationTimestamp ?? formatTime(now);
  const owner = (manager: string, fields: Set<FieldPath>): Owner => {
    return { manager, operation: 'Update', apiVersion: kind.apiVersion, subresource: '', time, fields };
  };
  return [
    owner(kubectlClientSide, new Set([...values.keys()].filter((path) => clientSide.has(path)))),
    owner(beforeFirstApply, new Set([...values.keys()].filter((path) => !clientSide.has(path)))),
  ].filter(({ fields }) => fields.size > 0);
}

interface Takeover {
  readonly force: boolean;
  /** Fields whose change is never a conflict. */
  readonly yielding: ReadonlySet<FieldPath>;
}

/** The other owners after the change. @throws Conflict */
function settle(others: readonly Owner[], changed: ReadonlySet<FieldPath>, { force, yielding }: Takeover): Owner[] {
  const conflicts = others
    .map((owner) => ({
      owner,
      paths: [...owner.fields].filter((path) => changed.has(path) && !yielding.has(path)).sort(),
    }))
    .filter(({ paths }) => paths.length > 0);
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  return others.map((owner) => ({ ...owner, fields: without(owner.fields, changed) }));
}

function conflictError(conflicts: readonly { owner: Owner; paths: readonly FieldPath[] }[]): Conflict {
  const causes = conflicts.flatMap(({ owner, paths }) =>
    paths.map((path) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${formatOwner(owner)}`,
      field: formatPath(path),
    })),
  );
  const [only] = causes;
  const text =
    causes.length === 1
      ? `1 conflict: ${only!.message}: ${only!.field}`
      : `${causes.length} conflicts: ${conflicts.map(({ owner, paths }) => [`conflicts with ${formatOwner(owner)}:`, ...paths.map((path) => `- ${formatPath(path)}`)].join('\n')).join('\n')}`;
  return new Conflict(`Apply failed with ${text}`, { details: { causes } });
}

/** Fields the manager applied before but no longer applies, when no owner has the field or a field below it. */
function abandoned(last: ReadonlySet<FieldPath>, owned: ReadonlySet<FieldPath>, all: Iterable<FieldPath>): FieldPath[] {
  const inUse = withAncestors(all);
  return [...last].filter((path) => !owned.has(path) && !inUse.has(path));
}

/**
 * Updates ownership after a write that is not an apply: `manager` owns the fields it changed, and removed fields lose their
 * owners. Only for objects that were applied at least once; others have no owners and are returned unchanged. A writer that
 * omits managedFields keeps them; a writer that sends an empty list or one empty entry clears them.
 */
export function trackUpdate<T extends KubeObject>({ before, after, ...write }: Write & { before: T; after: T }): T {
  const sent = after.metadata?.managedFields;
  const cleared = sent?.every((entry) => Object.keys(entry).length === 0);
  const source = sent === undefined ? before : after;
  if (cleared || !source.metadata?.managedFields?.length) return withEntries(after, undefined);
  const { kind, subresource, manager, now } = write;
  const old = ownable(before, write);
  const current = ownable(after, write);
  const changed = changedFields(old, current);
  const gone = new Set([...old.keys()].filter((path) => !current.has(path)));
  const owners = ownersOf(source).map((owner) => {
    return { ...owner, fields: without(without(owner.fields, gone), changed) };
  });
  if (changed.size === 0) return withEntries(after, encodeOwners(owners));
  const identity = { manager, operation: 'Update' as const, apiVersion: kind.apiVersion, subresource };
  const mine = owners.find((owner) => isSameOwner(owner, identity));
  const entry: Owner = { ...identity, time: formatTime(now), fields: union(changed, mine?.fields ?? new Set()) };
  return withEntries(after, encodeOwners([...owners.filter((owner) => owner !== mine), entry]));
}

function withEntries<T extends KubeObject>(object: T, managedFields: ReturnType<typeof encodeOwners> | undefined): T {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: managedFields?.length ? { ...metadata, managedFields } : metadata };
}
