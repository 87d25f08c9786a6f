// Follows which servers the cluster has: the slice of Service default/kubernetes, which the servers themselves write.
import { type EndpointSlice, endpointSlices } from '../../controlplane/api';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';
import { formatAddress } from './address';

const name = 'kubernetes';
const namespace = 'default';

/**
 * By its name, not by the label of its Service: a label is what a user who may write slices in that namespace chooses. Calls `onList` with
 * each list until the signal.
 */
export async function followServers(
  deps: { readonly client: Client; readonly log: Logger; readonly onList: (servers: readonly string[]) => void },
  signal: AbortSignal,
): Promise<void> {
  const { client, log, onList } = deps;
  const params = { namespace, fieldSelector: `metadata.name=${name}` };
  const informer = createInformer(client, endpointSlices, { log, params });
  informer.onChange(({ type, object }) => {
    if (type !== 'deleted') onList(serversIn(object));
  });
  await informer.run(signal);
}

export function serversIn({ endpoints, ports }: EndpointSlice): readonly string[] {
  const port = ports?.find((each) => each.name === 'https')?.port;
  if (port === undefined) return [];
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.map((host) => formatAddress({ host, port })));
}
