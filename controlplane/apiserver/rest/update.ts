// PUT and PATCH, both as one guaranteed update: read, transform, check, write on condition; on a race, once more.
import { type KeptMetadata, type Kind, writesStatus } from '../../api/kind';
import type { KubeObject, ObjectMeta } from '../../api/types';
import { BadRequest, isConflict, isNotFound } from '../../base/errors';
import type { Write } from '../admission/admission';
import type { CachedObject } from '../cache/cache';
import type { Reply } from '../request';
import { conflict, modified, notFound } from '../status';
import { checkFields, parseObject, type Reservation, type RestDeps, type RestRequest, readBody } from './context';
import { rehearsed } from './create';
import { equalJson } from './equal';
import { trackOwners } from './field-manager';
import {
  carryMetadata,
  checkFinalizers,
  isFinished,
  keyOf,
  mergeOwnerReferences,
  raisesGeneration,
  setNamespace,
} from './metadata';
import { renderObject } from './read';
import { writeOptions } from './write-options';

/** Deletions lost to a race in a row before the writer is told. */
const maxAttempts = 20;

export interface UpdatePlan {
  readonly kind: Kind;
  readonly key: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** True when `transform` has brought managedFields up to date itself. */
  readonly tracked?: boolean;
  /** A fresh object on each call: it is changed in place afterwards, so it must share nothing with `current`. */
  readonly transform: (current: CachedObject) => KubeObject;
}

export async function replaceObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, name, namespace, subresource } = rest.route;
  const body = await readBody(rest, kind);
  const { dryRun } = writeOptions(rest);
  let first: KubeObject | undefined = parseObject(rest, kind, body);
  const updated = await update(deps, rest, {
    kind,
    key: keyOf(kind, namespace, name),
    subresource,
    dryRun,
    transform: () => {
      const object = first ?? parseObject(rest, kind, body);
      first = undefined;
      return object;
    },
  });
  return renderObject(deps, rest, updated, 200);
}

/** @throws NotFound, Conflict, Invalid, Forbidden */
export async function update(deps: RestDeps, rest: RestRequest, plan: UpdatePlan): Promise<CachedObject> {
  const { kind, key } = plan;
  const name = rest.route.name;
  const cache = deps.cache.kind(kind);
  const hook = deps.hooks.get(kind.prefix);
  let reservation: Reservation | undefined;
  for (let attempt = 1; ; attempt++) {
    // What the change ends in other than a write: a rehearsal, or the last word of an object that is let go.
    let outcome: { readonly rehearsed?: CachedObject; readonly finished?: CachedObject } = {};
    try {
      const written = await cache.modify(key, (current) => {
        reservation?.undo();
        reservation = undefined;
        const object = plan.transform(current);
        checkPreconditions(kind, name, object, current.object);
        finishUpdate(deps, rest, plan, object, current.object);
        if (equalJson(object, current.object)) return undefined;
        reservation = hook?.reserve?.(object, current.object);
        if (plan.dryRun) {
          outcome = { rehearsed: rehearsed(key, object) };
          return undefined;
        }
        if (!isFinished(object)) return object;
        outcome = { rehearsed: rehearsed(key, object), finished: current };
        return undefined;
      });
      if (outcome.finished) await cache.delete(key, outcome.finished.revision);
      if (outcome.rehearsed) reservation?.undo();
      return outcome.rehearsed ?? written;
    } catch (err) {
      reservation?.undo();
      reservation = undefined;
      if (isNotFound(err) && !err.details['kind']) throw notFound(kind, name);
      // The deletion lost a race: look again whether the object may go.
      if (isConflict(err) && outcome.finished && attempt < maxAttempts) continue;
      // A conflict between field owners says itself what is wrong.
      if (isConflict(err) && !err.details['kind'] && !err.details['causes']) throw modified(kind, name);
      throw err;
    }
  }
}

/** @throws Conflict when the writer read another revision or means another object, BadRequest */
function checkPreconditions(kind: Kind, name: string, object: KubeObject, current: KubeObject): void {
  const { resourceVersion, uid, name: bodyName } = object.metadata ?? {};
  if (bodyName !== undefined && bodyName !== name) {
    throw new BadRequest(`the name of the object (${bodyName}) does not match the name on the URL (${name})`);
  }
  if (uid && uid !== current.metadata?.uid) {
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata?.uid ?? ''}`,
    );
  }
  if (!resourceVersion || resourceVersion === '0') return;
  if (resourceVersion !== current.metadata?.resourceVersion) throw modified(kind, name);
}

/** Brings `object` into the form that is stored. */
function finishUpdate(deps: RestDeps, rest: RestRequest, plan: UpdatePlan, object: KubeObject, old: KubeObject): void {
  const { kind, subresource, dryRun } = plan;
  const { request, route, warnings } = rest;
  object.metadata ??= {};
  object.metadata.name = route.name;
  setNamespace(kind, object.metadata, route.namespace);
  carryMetadata(object, old);
  mergeOwnerReferences(object, warnings);
  separateStatus(kind, object, old, subresource);
  kind.options.defaults?.(object);
  const write: Write = {
    operation: 'update',
    kind,
    namespace: kind.namespaced ? route.namespace : '',
    name: route.name,
    // A scale is written as its object, and admitted as what was asked for.
    subresource: subresource || route.subresource,
    object,
    old,
    user: request.user,
    dryRun,
    warnings,
  };
  deps.admission.admit(write);
  kind.options.prepare?.(object, { old, subresource });
  deps.hooks.get(kind.prefix)?.prepare?.(object, old);
  if (!plan.tracked) trackOwners(deps, rest, kind, object, old);
  checkFields(kind, object, old, subresource, checkFinalizers(object, old));
  warnings.push(...(kind.options.warnings?.(object, { old, subresource }) ?? []));
  deps.admission.validate(write);
  if (raisesGeneration(kind, object, old, subresource)) {
    object.metadata.generation = (old.metadata?.generation ?? 0) + 1;
  }
}

type Parts = Record<string, unknown>;

/** Writers of the object keep the status as it was, writers of the status keep the rest. */
function separateStatus(kind: Kind, object: KubeObject, old: KubeObject, subresource: string): void {
  // A binding writes both: the node, and the condition that says so.
  if (!kind.options.hasStatus || subresource === 'binding') return;
  const parts = object as Parts;
  const before = old as Parts;
  if (!writesStatus(kind, subresource)) {
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

/** Cached objects are shared by all readers, and what is written is changed in place. */
const copyJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
