// Writes the addresses of the living servers into Endpoints and EndpointSlice default/kubernetes. Several servers do so at once: each write
// carries the resourceVersion that it was planned on, and begins again after a conflict.
import { type EndpointSlice, endpointSlices, endpoints } from '../../api/index';
import { hasCode, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { type AddressFacts, addressesIn, planAddresses, planEndpoints, planSlice } from './plan';

const key = 'default/kubernetes';
/** How often it begins again because another server was faster. */
const maxAttempts = 10;

export async function writeEndpoints(
  client: Client,
  facts: Omit<AddressFacts, 'current'>,
  port: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await writeOnce(client, facts, port, signal);
    } catch (err) {
      const isRace = hasCode(err, 'Conflict') || hasCode(err, 'AlreadyExists') || hasCode(err, 'NotFound');
      if (!isRace || attempt === maxAttempts) throw err;
    }
  }
}

async function writeOnce(
  client: Client,
  facts: Omit<AddressFacts, 'current'>,
  port: number,
  signal?: AbortSignal,
): Promise<void> {
  const found = await orMissing(client.get(endpoints, key, signal));
  const foundSlice = await orMissing(client.get(endpointSlices, key, signal));
  const desired = planAddresses({ ...facts, current: addressesIn(found, foundSlice) }, port);
  if (!desired) return;
  const options = signal ? { signal } : {};
  const written = planEndpoints(desired, found);
  if (written) await (found ? client.update(endpoints, written, options) : client.create(endpoints, written, options));
  const plan = planSlice(desired, foundSlice);
  switch (plan.action) {
    case 'none':
      return;
    case 'create':
      await client.create(endpointSlices, plan.slice, options);
      return;
    case 'update':
      await client.update(endpointSlices, plan.slice, options);
      return;
    case 'replace':
      await client.delete(endpointSlices, key, { ...options, preconditions: versionOf(plan.found) });
      await client.create(endpointSlices, plan.slice, options);
  }
}

function versionOf({ metadata }: EndpointSlice): { readonly uid?: string; readonly resourceVersion?: string } {
  const { uid, resourceVersion } = metadata ?? {};
  return { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((err: unknown) => {
    if (isNotFound(err)) return undefined;
    throw err;
  });
}
