// Owners of fields of custom objects with several versions: each entry of managedFields has the paths of the version of its writer. A
// write is compared in each of these versions, so both objects are converted to them, as upstream does.
import type { ObjectSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import { type ApplyRequest, apply, type BegunApply, beginApply, changesOf, endApply, rootField } from './apply';
import { type Comparison, compare } from './compare';
import { type OwnedKind, rootPlan } from './field-plan';
import { apartFrom, type FieldTree, union } from './field-tree';
import type { JsonObject } from './json';
import type { ManagedFieldsEntry, Owner } from './managed-fields';
import { ownersBefore, type TrackedUpdate, type TrackedWrite, trackUpdate } from './track-update';
import { removeFields } from './typed';

export interface OwnerVersion {
  readonly kind: OwnedKind;
  readonly schema: ObjectSchema;
}

/** The versions of one kind. */
export interface OwnerVersions {
  /** Undefined for a version that the kind does not have any more: its owners are dropped. */
  of(apiVersion: string): OwnerVersion | undefined;
  /** The object, which is not changed, in this version. @throws ConversionFailed */
  convert(object: KubeObject, apiVersion: string): KubeObject | Promise<KubeObject>;
}

type Changed = Map<string, Comparison | undefined>;

/** As trackUpdate. A promise only when an owner has another version. @throws ConversionFailed */
export function trackUpdateAcross(
  update: TrackedUpdate,
  versions: OwnerVersions,
): ManagedFieldsEntry[] | undefined | Promise<ManagedFieldsEntry[] | undefined> {
  const others = otherVersions(ownersBefore(update), update.kind);
  if (others.length === 0) return trackUpdate(update);
  return trackInVersions(update, versions, others);
}

async function trackInVersions(update: TrackedUpdate, versions: OwnerVersions, others: readonly string[]) {
  const { before, after, kind, schema, subresource } = update;
  const own = compare((before ?? {}) as JsonObject, after as JsonObject, rootPlan(kind, schema, subresource));
  // What changes nothing in one version changes nothing in another one.
  if (!own) return trackUpdate(update);
  const changed: Changed = new Map([[kind.apiVersion, own]]);
  for (const apiVersion of others) {
    changed.set(apiVersion, await changesIn(apiVersion, before, after, update, versions));
  }
  return trackUpdate(update, changesFor(changed, versions));
}

/** As apply. A promise only when an owner has another version. @throws Conflict, ConversionFailed */
export function applyAcross(request: ApplyRequest, versions: OwnerVersions): KubeObject | Promise<KubeObject> {
  const begun = beginApply(request);
  const owners = begun.mine ? [begun.mine, ...begun.others] : begun.others;
  const others = otherVersions(owners, request.kind);
  return others.length === 0 ? apply(request) : applyInVersions(request, begun, versions, others);
}

async function applyInVersions(
  request: ApplyRequest,
  begun: BegunApply,
  versions: OwnerVersions,
  others: readonly string[],
): Promise<KubeObject> {
  const { kind, live } = request;
  const result = begun.mine ? await withoutAbandoned(request, begun, begun.mine, versions) : begun.merged;
  const found = changesOf(request, begun, result);
  const changed: Changed = new Map([[kind.apiVersion, found]]);
  if (found) {
    for (const apiVersion of others) {
      changed.set(apiVersion, await changesIn(apiVersion, live, result as KubeObject, request, versions));
    }
  }
  return endApply(request, begun, result, { found, of: changesFor(changed, versions) });
}

/**
 * Without the fields that the manager applied last and applies no more, except those that others own. They are removed in the version of
 * that last apply; then each version of another owner gets back what the removal took from it there.
 */
async function withoutAbandoned(
  request: ApplyRequest,
  { mine: _, others, owned, merged }: BegunApply,
  mine: Owner,
  versions: OwnerVersions,
): Promise<JsonObject> {
  const { kind, subresource } = request;
  const inUse = new Map<string, FieldTree | undefined>([[kind.apiVersion, owned]]);
  for (const { apiVersion, fields } of others) inUse.set(apiVersion, union(inUse.get(apiVersion), fields));
  const place = versions.of(mine.apiVersion);
  const abandoned = apartFrom(mine.fields, inUse.get(mine.apiVersion));
  if (!place || !abandoned) return merged;
  const before = await versions.convert(merged as KubeObject, mine.apiVersion);
  const used = inUse.get(mine.apiVersion);
  let left = removeFields(before as JsonObject, abandoned, rootField(place.schema), used) as KubeObject;
  let version = mine.apiVersion;
  for (const [apiVersion, needed] of inUse) {
    const form = versions.of(apiVersion);
    if (!form || apiVersion === mine.apiVersion) continue;
    const whole = (await versions.convert(before, apiVersion)) as JsonObject;
    const pruned = (await versions.convert(left, apiVersion)) as JsonObject;
    const lost = compare(whole, pruned, rootPlan(form.kind, form.schema, subresource))?.removed;
    const removed = lost && apartFrom(lost, needed);
    left = (removed ? removeFields(whole, removed, rootField(form.schema), needed) : whole) as KubeObject;
    version = apiVersion;
  }
  return (version === kind.apiVersion ? left : await versions.convert(left, kind.apiVersion)) as JsonObject;
}

const otherVersions = (owners: readonly Owner[], { apiVersion: own }: OwnedKind): readonly string[] => [
  ...new Set(owners.map(({ apiVersion }) => apiVersion).filter((apiVersion) => apiVersion !== own)),
];

/** Owners of a version that is gone lose all fields. */
const changesFor =
  (changed: Changed, versions: OwnerVersions) =>
  ({ apiVersion, fields }: Owner): Comparison | undefined =>
    versions.of(apiVersion) ? changed.get(apiVersion) : { changed: undefined, removed: fields };

/** Undefined also for a version that is gone. */
async function changesIn(
  apiVersion: string,
  before: KubeObject | undefined,
  after: KubeObject,
  { subresource }: TrackedWrite,
  versions: OwnerVersions,
): Promise<Comparison | undefined> {
  const form = versions.of(apiVersion);
  if (!form) return undefined;
  const from = before ? await versions.convert(before, apiVersion) : {};
  const to = await versions.convert(after, apiVersion);
  return compare(from as JsonObject, to as JsonObject, rootPlan(form.kind, form.schema, subresource));
}
