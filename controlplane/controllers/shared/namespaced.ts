// Shared by controllers that keep one object in every namespace.
import type { Kind } from '../../api/kind';
import type { Namespace } from '../../api/namespace';
import type { KubeObject } from '../../api/types';
import { hasCode, isAlreadyExists, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';

export const isTerminatingNamespace = ({ metadata, status }: Namespace): boolean =>
  metadata?.deletionTimestamp !== undefined || status?.phase === 'Terminating';

/** True for the refusal to create anything in a namespace that is being deleted. */
export function refusedByTermination(err: unknown): boolean {
  if (!hasCode(err, 'Forbidden')) return false;
  const status = err.details['status'] as { details?: { causes?: { reason?: string }[] } } | undefined;
  return status?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

/** Creates the object unless it exists, or its namespace is deleted or being deleted. */
export async function createOnce<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(kind, object, { signal });
  } catch (err) {
    if (!isAlreadyExists(err) && !isNotFound(err) && !refusedByTermination(err)) throw err;
  }
}
