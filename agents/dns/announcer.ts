// Keeps this server's EndpointSlice current, so that Service kube-dns sends queries of this node's pods to it.
import { type EndpointSlice, endpointSlices, type Node } from '../../controlplane/api';
import { describeError } from '../../controlplane/base/errors';
import { markReconcile } from '../../controlplane/base/event-loop';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import type { Informer } from '../../controlplane/client/informer';
import { WorkQueue } from '../../controlplane/client/work-queue';
import { dnsNamespace, planAnnouncement, sliceName } from './translate';

export interface AnnouncerDeps {
  readonly client: Client;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly log: Logger;
  readonly nodeName: string;
  readonly address: string;
  readonly port: number;
}

/** Runs until the signal is aborted. The slice stays when the process ends, because the process usually starts again soon. */
export async function runAnnouncer(deps: AnnouncerDeps, signal: AbortSignal): Promise<void> {
  const { slices, nodes, nodeName, log } = deps;
  const key = `${dnsNamespace}/${sliceName(nodeName)}`;
  const queue = new WorkQueue({
    onTake: markReconcile('announcer'),
    backoff: { initialMs: 100, maxMs: 10_000 },
    onRetry: (_key, error, delayMs) =>
      log.warn('cannot announce this server, trying again', { error: describeError(error), delayMs }),
  });
  slices.onChange((change) => {
    if (change.key === key) queue.add(key);
  });
  nodes.onChange(() => queue.add(key));
  queue.add(key);
  for await (const one of queue.keys(signal)) {
    await announce(deps, key, signal).then(
      () => queue.done(one),
      (error: unknown) => queue.done(one, error),
    );
  }
}

async function announce(deps: AnnouncerDeps, key: string, signal: AbortSignal): Promise<void> {
  const { client, slices, nodes, nodeName, address, port, log } = deps;
  const slice = planAnnouncement(slices.get(key), { nodeName, address, port, node: nodes.get(nodeName) });
  if (!slice) return;
  if (slice.metadata?.resourceVersion) await client.update(endpointSlices, slice, { signal });
  else await client.create(endpointSlices, slice, { signal });
  log.info('announced', { slice: key, address, port });
}
