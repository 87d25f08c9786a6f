// Writes ownership: adoption and release are patches with the object's uid, so they never change another object of the same name.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { objectKey } from '../../api/types';
import { Conflict, isInvalid, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { controllerReference, isDeleting, metaOf } from './owner';

/**
 * Makes `owner` the controller of `object` and adds `finalizer` to it, in one write. It first reads the owner from the API: an owner
 * that was deleted or replaced meanwhile must not adopt. @throws Conflict when the owner may not adopt
 */
export async function adopt<T extends KubeObject, O extends KubeObject>(
  client: Client,
  kinds: { readonly object: Kind<T>; readonly owner: Kind<O> },
  object: T,
  owner: O,
  signal: AbortSignal,
  finalizer?: string,
): Promise<T> {
  const live = await client.get(kinds.owner, objectKey(owner), signal);
  if (live.metadata?.uid !== owner.metadata?.uid || isDeleting(live)) {
    throw new Conflict(`${kinds.owner.kind} ${objectKey(owner)} has been replaced or is being deleted`);
  }
  const { uid, resourceVersion, finalizers = [], ownerReferences = [] } = metaOf(object);
  // Both lists are sets: the object may name the owner already, without `controller: true`.
  const others = ownerReferences.filter((reference) => reference.uid !== owner.metadata?.uid);
  const references = [...others, controllerReference(kinds.owner, owner)];
  const held = finalizer === undefined ? {} : { finalizers: [...new Set([...finalizers, finalizer])] };
  const patch = { metadata: { uid, resourceVersion, ownerReferences: references, ...held } };
  return client.patch(kinds.object, objectKey(object), 'merge', patch, { signal });
}

/**
 * Removes `owner` from the object's owners, and `finalizer` from its finalizers. Undefined when the object is deleted, or when
 * another object has its name: nothing is left to do.
 */
export async function release<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  ownerUid: string,
  signal: AbortSignal,
  finalizer?: string,
): Promise<T | undefined> {
  const { uid, resourceVersion, finalizers = [], ownerReferences = [] } = metaOf(object);
  const references = ownerReferences.filter((reference) => reference.uid !== ownerUid);
  const left = finalizers.filter((name) => name !== finalizer);
  const metadata = {
    uid,
    resourceVersion,
    ownerReferences: references.length > 0 ? references : null,
    ...(finalizer === undefined ? {} : { finalizers: left.length > 0 ? left : null }),
  };
  try {
    return await client.patch(kind, objectKey(object), 'merge', { metadata }, { signal });
  } catch (err) {
    if (isNotFound(err) || isInvalid(err)) return undefined;
    throw err;
  }
}
