// One step of a plan for EndpointSlices, and its execution: shared by the loops that write slices.
import { type EndpointSlice, endpointSlices } from '../../api/endpoint-slice';
import { objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { metaOf } from './owner';
import type { WriteGuard } from './write-guard';

export interface SliceStep {
  readonly action: 'create' | 'update' | 'delete';
  readonly slice: EndpointSlice;
}

export interface SliceWriter {
  readonly client: Client;
  /** Told of each write under `key`, the Service it is for. */
  readonly guard: WriteGuard<EndpointSlice>;
}

/** A slice that is gone already counts as deleted. @throws what the client throws otherwise */
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
