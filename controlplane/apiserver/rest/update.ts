// PUT and PATCH, both as one guaranteed update: read, transform, check, write if unchanged; after a conflict it starts again.
import { parseStored } from '../../api/json-text';
import { allowsUnconditionalUpdate, type KeptMetadata, type Kind, partOf, subresourceOf } from '../../api/kind';
import type { KubeObject, ObjectMeta } from '../../api/types';
import { invalid as invalidValue } from '../../api/validation/causes';
import { AlreadyClaimed, isAlreadyExists, isConflict } from '../../base/errors';
import type { CachedObject } from '../cache/cache';
import { patchTypes } from '../patch/patch';
import type { Reply } from '../request';
import { invalid, modified } from '../status';
import { noteRefusal } from '../write/refused-claims';
import type { Write } from '../write/rule';
import { Reservations } from '../write/run';
import { parseObject, type RestDeps, type RestRequest, readBody } from './context';
import { rehearsed } from './create';
import { checkName, createByUpdate, isMissing, otherUid } from './create-on-update';
import { equalJson } from './equal';
import { trackOwners } from './field-manager';
import { carryMetadata, isFinished, keyOf, mergeOwnerReferences, raisesGeneration, setNamespace } from './metadata';
import { renderObject } from './read';
import { mediaType, writeOptions } from './write-options';

/** After this many conflicts while it deletes a finished object, the update fails with the conflict. */
const maxAttempts = 20;

export interface UpdatePlan {
  readonly kind: Kind;
  readonly key: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** True when managedFields need no change: `transform` has updated them, or the write has no owner. */
  readonly tracked?: boolean;
  /** A fresh object on each call: it is changed in place afterwards, so it must share nothing with `current`. */
  readonly transform: (current: CachedObject) => KubeObject | Promise<KubeObject>;
}

export async function replaceObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, name, namespace, subresource } = rest.route;
  const body = await readBody(rest, kind);
  const { dryRun } = writeOptions(rest);
  const key = keyOf(kind, namespace, name);
  let first: KubeObject | undefined = parseObject(rest, kind, body);
  // As upstream: before the object is read.
  checkName(name, first);
  const parsed = (): KubeObject => {
    const object = first ?? parseObject(rest, kind, body);
    first = undefined;
    return object;
  };
  for (let attempt = 1; ; attempt++) {
    try {
      if (subresource === '' && !deps.cache.kind(kind).has(key)) {
        const created = await createByUpdate(deps, rest, parsed(), dryRun);
        return renderObject(deps, rest, created, 201);
      }
      const updated = await update(deps, rest, { kind, key, subresource, dryRun, transform: parsed });
      return renderObject(deps, rest, updated, 200);
    } catch (err) {
      // Another writer created or deleted the object in the meantime.
      const raced = kind.options.createOnUpdate && (isAlreadyExists(err) || isMissing(err, rest));
      if (!raced || subresource !== '' || attempt === maxAttempts) throw err;
    }
  }
}

/** Result of an attempt that must not write: the object as it would be, and the stored object if it must be deleted. */
interface Unwritten {
  readonly rehearsed: CachedObject;
  readonly finished?: CachedObject;
}

/** @throws NotFound, Conflict, Invalid, Forbidden */
export async function update(deps: RestDeps, rest: RestRequest, plan: UpdatePlan): Promise<CachedObject> {
  const { kind, key, subresource } = plan;
  const { rules } = deps;
  const cache = deps.cache.kind(kind);
  const held = new Reservations();
  let refused: Write['refused'];
  for (let attempt = 1; ; attempt++) {
    let unwritten: Unwritten | undefined;
    try {
      const change = async (current: CachedObject) => {
        // The previous attempt had a conflict.
        held.undo();
        unwritten = undefined;
        const transformed = plan.transform(current);
        const object = transformed instanceof Promise ? await transformed : transformed;
        checkPreconditions(rest, kind, object, current.object);
        const write = beginUpdate(rest, plan, object, current.object, refused);
        // As upstream: before the rules, so that the writer does not own what they change.
        if (!plan.tracked) {
          const tracking = trackOwners(deps, rest, kind, object, current.object);
          if (tracking) await tracking;
        }
        const mutated = rules.mutate(write);
        if (mutated) {
          await mutated;
          // A webhook may have changed parts that this write does not have.
          keepStored(rest, plan, object, current.object);
        }
        keepOtherParts(plan, object, current.object);
        const prepared = rules.prepare(write);
        if (prepared) await prepared;
        const validated = rules.validate(write);
        if (validated) await validated;
        if (raisesGeneration(kind, object, current.object, subresource)) raiseGeneration(object, current.object);
        if (equalJson(object, current.object) && (plan.dryRun || !cache.isStale(key))) return undefined;
        const reserved = rules.reserve(write, held);
        if (reserved) await reserved;
        const isFinal = !plan.dryRun && isFinished(kind, object);
        if (plan.dryRun || isFinal) {
          unwritten = { rehearsed: await rehearsed(cache, key, object), ...(isFinal ? { finished: current } : {}) };
        }
        return unwritten ? undefined : object;
      };
      const written = await cache.modify(key, change, () => held.together());
      if (!unwritten) return written;
      const { finished } = unwritten;
      if (finished) await cache.delete(key, finished.revision, rules.release(kind, finished.object));
      held.undo();
      return unwritten.rehearsed;
    } catch (err) {
      held.undo();
      if (err instanceof AlreadyClaimed) {
        refused = noteRefusal(refused, kind, rest.route.name, err);
        continue;
      }
      // Another write came before the deletion: check again whether the object can be deleted.
      if (isConflict(err) && unwritten?.finished && attempt < maxAttempts) continue;
      throw err;
    }
  }
}

/** @throws Conflict when the writer read another revision or means another object, BadRequest */
function checkPreconditions(rest: RestRequest, kind: Kind, object: KubeObject, current: KubeObject): void {
  const { name } = rest.route;
  const { resourceVersion, uid } = object.metadata ?? {};
  checkName(name, object);
  // As upstream: a patch that changes the uid changes an immutable field.
  const changesUid = rest.route.verb === 'patch' && mediaType(rest) !== patchTypes.apply;
  if (uid && uid !== current.metadata?.uid && !changesUid) throw otherUid(kind, name, uid, current.metadata?.uid);
  if (!resourceVersion || resourceVersion === '0') {
    if (allowsUnconditionalUpdate(kind)) return;
    // Upstream names the resource here, where all other errors of this form name the kind.
    const cause = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid({ group: kind.group, kind: kind.plural }, name, [cause]);
  }
  if (resourceVersion !== current.metadata?.resourceVersion) throw modified(kind, name);
}

/** `object` gets its identity and the stored values of the fields that this write may not change. */
function keepStored({ route, warnings }: RestRequest, plan: UpdatePlan, object: KubeObject, old: KubeObject): void {
  const { kind, subresource } = plan;
  object.metadata ??= {};
  object.metadata.name = route.name;
  setNamespace(kind, object.metadata, route.namespace);
  carryMetadata(object, old);
  mergeOwnerReferences(object, warnings);
  separateStatus(kind, object, old, subresource);
}

/** A write of a part gets the stored values of the other parts: after the mutating rules, which may change more than the part. */
function keepOtherParts({ kind, subresource }: UpdatePlan, object: KubeObject, old: KubeObject): void {
  const part = partOf(kind, subresource);
  if (!part) return;
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    keepMetadata(metadata, old.metadata ?? {}, field);
  }
  part.keepRest(object, old);
}

/** Prepares the write for the rules: `object` gets its identity, the fields that this write may not change, and the defaults. */
function beginUpdate(
  rest: RestRequest,
  plan: UpdatePlan,
  object: KubeObject,
  old: KubeObject,
  refused: Write['refused'],
): Write {
  const { kind, subresource, dryRun } = plan;
  const { request, route, warnings } = rest;
  keepStored(rest, plan, object, old);
  kind.options.defaults?.(object);
  return {
    operation: 'update',
    kind,
    namespace: kind.namespaced ? route.namespace : '',
    name: route.name,
    subresource: subresource || route.subresource,
    object,
    old,
    context: { old, subresource },
    user: request.user,
    rest,
    dryRun,
    refused,
    warnings,
  };
}

function raiseGeneration(object: KubeObject, old: KubeObject): void {
  object.metadata = { ...object.metadata, generation: (old.metadata?.generation ?? 0) + 1 };
}

type Parts = Record<string, unknown>;

/** A write of the object keeps the stored status; a write of the status keeps all other stored fields. */
function separateStatus(kind: Kind, object: KubeObject, old: KubeObject, subresource: string): void {
  const writes = subresource === '' ? undefined : subresourceOf(kind, subresource)?.writes;
  if (!kind.options.hasStatus || writes === 'all') return;
  const parts = object as Parts;
  const before = old as Parts;
  if (writes !== 'status') {
    if (before['status'] === undefined) delete parts['status'];
    else if (!equalJson(parts['status'], before['status'])) parts['status'] = copyJson(before['status']);
    return;
  }
  const metadata = object.metadata!;
  for (const field of kind.options.statusKeeps ?? []) keepMetadata(metadata, old.metadata ?? {}, field);
  for (const key of Object.keys(parts)) if (!(key in before) && key !== 'status') delete parts[key];
  for (const key of Object.keys(before)) {
    if (key === 'status' || key === 'metadata' || equalJson(parts[key], before[key])) continue;
    parts[key] = copyJson(before[key]);
  }
}

function keepMetadata<K extends KeptMetadata>(metadata: ObjectMeta, before: ObjectMeta, field: K): void {
  if (before[field] === undefined) delete metadata[field];
  else metadata[field] = copyJson(before[field]) as ObjectMeta[K];
}

/** A copy, since the write changes the object in place but all readers share cached objects. */
const copyJson = (value: unknown): unknown => parseStored(JSON.stringify(value));
