// Shared by the controllers that write EndpointSlices: which Services a change concerns, and one step of a plan with its execution.
import { type EndpointSlice, endpointSlices } from '../../api/endpoint-slice';
import { serviceKeyOf } from '../../api/slices/facts';
import { objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import type { Change } from '../../client/informer';
import { metaOf } from './owner';
import type { WriteGuard } from './write-guard';

export interface SliceStep {
  readonly action: 'create' | 'update' | 'delete';
  readonly slice: EndpointSlice;
}

/** The Services that a change of a slice concerns: two when a label moved the slice from one Service to another. */
export function servicesOfSlice(change: Change<EndpointSlice>): string[] {
  const versions = change.type === 'updated' ? [change.previous, change.object] : [change.object];
  return [...new Set(versions.map(serviceKeyOf))].filter((key) => key !== '');
}

export interface SliceWriter {
  readonly client: Client;
  /** Records each write under `key`, the key of the Service. */
  readonly guard: WriteGuard<EndpointSlice>;
}

/** A slice that does not exist counts as deleted. @throws what the client throws otherwise */
export async function applySliceStep(
  { client, guard }: SliceWriter,
  key: string,
  { action, slice }: SliceStep,
  signal: AbortSignal,
): Promise<void> {
  if (action === 'create') guard.wrote(key, await client.create(endpointSlices, slice, { signal }));
  else if (action === 'update') guard.wrote(key, await client.update(endpointSlices, slice, { signal }));
  else {
    const { uid } = metaOf(slice);
    await client.delete(endpointSlices, objectKey(slice), { preconditions: { uid }, signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
    guard.deleted(key, objectKey(slice), uid);
  }
}
