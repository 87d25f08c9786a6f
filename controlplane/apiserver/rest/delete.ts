// DELETE of one object or of a collection: options, preconditions, grace periods, finalizers, and the effect on dependents.
import { atLeastOne } from '../../api/deletion';
import type { Kind } from '../../api/kind';
import type { KubeObject, ObjectMeta } from '../../api/types';
import { formatTime } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import type { CachedObject } from '../cache/cache';
import { jsonReply, type Reply } from '../request';
import { conflict, deletedStatus, notFound } from '../status';
import type { Write } from '../write/rule';
import { type RestDeps, type RestRequest, warn } from './context';
import { rehearsed } from './create';
import { type DeleteOptions, type Propagation, readDeleteOptions } from './delete-options';
import { listOptions } from './list-options';
import { keyOf } from './metadata';
import { readList, renderList, renderObject } from './read';
import { parseSelection } from './selection';

/** Finalizers that the garbage collector removes when it has finished. */
const foregroundFinalizer = 'foregroundDeletion';
const orphanFinalizer = 'orphan';
const maxAttempts = 20;

export async function deleteObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace, name } = rest.route;
  const options = await readDeleteOptions(rest);
  warnOfOrphans(rest, options);
  const { left, last } = await remove(deps, rest, kind, keyOf(kind, namespace, name), name, options);
  // With orphanDependents=false the code shows the client that the object still exists.
  if (left) return renderObject(deps, rest, left, options.orphanDependents === false ? 202 : 200);
  if (kind.options.deletion?.answersWithObject) return renderObject(deps, rest, last, 200);
  return jsonReply(deletedStatus(kind, name, last.object.metadata?.uid));
}

function warnOfOrphans(rest: RestRequest, { propagation }: DeleteOptions): void {
  const { orphanWarning } = rest.route.kind.options.deletion ?? {};
  if (orphanWarning !== undefined && propagation === undefined) warn(rest, [orphanWarning]);
}

/** Deletes all selected objects and answers with their list; an object that is deleted meanwhile is no error. */
export async function deleteCollection(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace } = rest.route;
  const { limit: _, ...listed } = listOptions(rest.query);
  const selection = parseSelection(kind, namespace, '', rest.query);
  const options = await readDeleteOptions(rest);
  warnOfOrphans(rest, options);
  const { items, revision } = await readList(deps, kind, selection, listed);
  const done: CachedObject[] = [];
  for (const { key, object } of items) {
    try {
      const { left, last } = await remove(deps, rest, kind, key, object.metadata?.name ?? '', options);
      done.push(left ?? last);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
  return renderList(deps, rest, done, { resourceVersion: String(revision) });
}

/** `left` is the object that still waits for its grace period or finalizers; absent when the object is deleted. */
export async function remove(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  key: string,
  name: string,
  options: DeleteOptions,
): Promise<{ left?: CachedObject; last: CachedObject }> {
  const { rules } = deps;
  const cache = deps.cache.kind(kind);
  for (let attempt = 1; ; attempt++) {
    const current = await cache.read(key);
    if (!current) throw notFound(kind, name);
    checkPreconditions(kind, name, current.object, options);
    const write: Write = {
      operation: 'delete',
      kind,
      namespace: current.object.metadata?.namespace ?? '',
      name,
      subresource: '',
      old: current.object,
      user: rest.request.user,
      rest,
      deletion: options,
      dryRun: options.dryRun,
      warnings: rest.warnings,
    };
    const mutated = rules.mutate(write);
    if (mutated) await mutated;
    const validated = rules.validate(write);
    if (validated) await validated;
    const next = planDeletion(kind, current, options, deps.clock.now());
    if (options.dryRun) return next ? { left: await rehearsed(cache, key, next), last: current } : { last: current };
    try {
      if (!next) return { last: await cache.delete(key, current.revision, rules.release(kind, current.object)) };
      if (next === current.object) return { left: current, last: current };
      return { left: await cache.update(next, current.revision), last: current };
    } catch (err) {
      if (!isConflict(err) || options.resourceVersion || attempt === maxAttempts) throw err;
    }
  }
}

/**
 * The object to store while it waits, the same object when nothing changes, undefined when it can be deleted at once.
 * `now` is milliseconds since the epoch.
 */
export function planDeletion(
  kind: Kind,
  current: CachedObject,
  options: DeleteOptions,
  now: number,
): KubeObject | undefined {
  const object = current.object;
  const before = object.metadata ?? {};
  const finalizers = finalizersFor(before.finalizers ?? [], propagationOf(kind, before.finalizers, options));
  const term = deletionTerm(kind, object, options, now);
  const waits = term.graceSeconds > 0 || finalizers.length > 0 || (kind.options.deletion?.isHeld?.(object) ?? false);
  if (!waits) return undefined;
  const metadata: ObjectMeta = {
    ...before,
    deletionTimestamp: formatTime(term.at),
    deletionGracePeriodSeconds: term.graceSeconds,
  };
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  // The first deletion is a new desired state for controllers and the kubelet; a shorter grace period is not.
  if (!before.deletionTimestamp && before.generation !== undefined) metadata.generation = before.generation + 1;
  const changed =
    metadata.deletionTimestamp !== before.deletionTimestamp ||
    metadata.deletionGracePeriodSeconds !== before.deletionGracePeriodSeconds ||
    metadata.finalizers?.length !== before.finalizers?.length;
  if (!changed) return object;
  const next = { ...object, metadata };
  return kind.options.deletion?.markDeleted?.(next) ?? next;
}

/** The request decides, then an earlier deletion, then the kind. */
function propagationOf(
  kind: Kind,
  finalizers: readonly string[] = [],
  { propagation }: DeleteOptions,
): Propagation | undefined {
  if (propagation !== undefined || !kind.options.deletion?.orphansByDefault) return propagation;
  return finalizers.includes(foregroundFinalizer) ? undefined : 'Orphan';
}

function finalizersFor(present: readonly string[], propagation: Propagation | undefined): string[] {
  if (propagation === undefined) return [...present];
  const rest = present.filter((finalizer) => finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer);
  if (propagation === 'Foreground') return [...rest, foregroundFinalizer];
  if (propagation === 'Orphan') return [...rest, orphanFinalizer];
  return rest;
}

/** When an object is deleted: `at` is milliseconds since the epoch. */
interface DeletionTerm {
  readonly at: number;
  readonly graceSeconds: number;
}

/** A running grace period can only get shorter. */
function deletionTerm(kind: Kind, object: KubeObject, options: DeleteOptions, now: number): DeletionTerm {
  const { deletionTimestamp, deletionGracePeriodSeconds: running = 0 } = object.metadata ?? {};
  if (!deletionTimestamp) {
    const graceSeconds = kind.options.deletion?.graceSeconds?.(object, options.gracePeriodSeconds) ?? 0;
    return { at: now + graceSeconds * 1000, graceSeconds };
  }
  const at = Date.parse(deletionTimestamp);
  const asked = atLeastOne(options.gracePeriodSeconds ?? running);
  if (running === 0 || asked >= running) return { at, graceSeconds: running };
  const sooner = at - (running - asked) * 1000;
  if (sooner >= now) return { at: sooner, graceSeconds: asked };
  // The kubelet still has to stop the containers, except when the client requested a grace period of 0.
  return { at: now, graceSeconds: asked === 0 ? 0 : 1 };
}

function checkPreconditions(kind: Kind, name: string, object: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = object.metadata ?? {};
  if (options.uid && options.uid !== uid) {
    throw preconditionFailed(kind, name, 'UID', [options.uid, uid], 'deleted and then recreated');
  }
  if (options.resourceVersion && options.resourceVersion !== resourceVersion) {
    throw preconditionFailed(kind, name, 'ResourceVersion', [options.resourceVersion, resourceVersion], 'modified');
  }
}

function preconditionFailed(kind: Kind, name: string, what: string, pair: readonly unknown[], guess: string) {
  const [asked, found = ''] = pair;
  return conflict(
    // Upstream names the kind here, where other conflicts name the resource.
    { ...kind, plural: kind.kind },
    name,
    `the ${what} in the precondition (${asked}) does not match the ${what} in record (${found}). ` +
      `The object might have been ${guess}`,
  );
}
