// Finalizers that keep an object of storage while another object uses it. Upstream's name for this is "storage object in use
// protection".
import type { Kind } from '../../api/kind';
import { type KubeObject, objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { isDeleting } from './owner';

/** `release`: removes the finalizer, if nothing uses the object. */
export type ProtectionStep = 'protect' | 'release' | undefined;

/** Pure. An object that is being deleted never gets the finalizer: the API server would refuse it. */
export function planProtection(object: KubeObject, finalizer: string): ProtectionStep {
  const isProtected = object.metadata?.finalizers?.includes(finalizer) ?? false;
  if (isDeleting(object)) return isProtected ? 'release' : undefined;
  return isProtected ? undefined : 'protect';
}

export interface ProtectionWrite<T extends KubeObject> {
  readonly client: Client;
  readonly kind: Kind<T>;
  readonly finalizer: string;
}

/** With the resourceVersion: an object that changed meanwhile is planned again. */
export async function writeProtection<T extends KubeObject>(
  { client, kind, finalizer }: ProtectionWrite<T>,
  object: T,
  step: 'protect' | 'release',
  signal: AbortSignal,
): Promise<void> {
  const others = (object.metadata?.finalizers ?? []).filter((name) => name !== finalizer);
  const finalizers = step === 'protect' ? [...others, finalizer] : others;
  const { uid, resourceVersion } = object.metadata ?? {};
  const patch = { metadata: { uid, resourceVersion, finalizers } };
  await client.patch(kind, objectKey(object), 'merge', patch, { signal }).catch((err: unknown) => {
    if (!isNotFound(err)) throw err;
  });
}
