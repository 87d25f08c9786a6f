// The agent of one node on an API in memory, with the informers of the real one; the server that it configures is the test's.
import type { Test } from 'tap';
import { secrets } from '../../controlplane/api';
import { type Clock, systemClock } from '../../controlplane/base/clock';
import { silentLogger as log } from '../../controlplane/base/logger';
import { LiveObjects } from '../../controlplane/client/live-objects';
import type { MemoryClient } from '../../test/lib/memory-client';
import { type Deps, IngressController } from './controller';
import { openInformers } from './informers';

export interface AgentOptions {
  readonly nodeName: string;
  readonly server: Deps['server'];
  readonly clock?: Clock;
}

/** Runs until the test ends. Its Ingress class is `k8ts`. */
export function startAgent(
  t: Test,
  client: MemoryClient,
  { nodeName, server, clock = systemClock }: AgentOptions,
): void {
  const stop = new AbortController();
  const informers = openInformers(client, log);
  const live = new LiveObjects({ client, log, clock }, secrets);
  const controller = new IngressController({
    ...informers,
    client,
    log,
    clock,
    server,
    nodeName,
    className: 'k8ts',
    secrets: live,
    ownAddresses: () => [],
    refusedRanges: [],
  });
  const running = [...Object.values(informers), controller].map((part) => part.run(stop.signal));
  t.teardown(async () => {
    stop.abort(new Error('test over'));
    live.close();
    await Promise.allSettled(running);
  });
}
