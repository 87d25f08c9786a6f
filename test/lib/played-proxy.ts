// Simulates the kube-proxy of one node without a kernel: rules count as written at once, unless the test holds them back.
// kube-proxy's real parts report the written rules.

import { sliceIndexes } from '../../agents/kube-proxy/informers';
import { Programming } from '../../agents/kube-proxy/programming';
import { Receipts } from '../../agents/kube-proxy/receipts';
import { endpointSlices, nodes, serviceKeyOf, services } from '../../controlplane/api/index';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';
import type { Claim } from '../../dataplane/announce/election';

export class PlayedProxy {
  /** The addresses that the node would announce, by Service. */
  readonly claims = new Map<string, readonly Claim[]>();
  private held = false;
  private keys = new Set<string>();
  private sync = () => {};

  constructor(
    private readonly client: Client,
    private readonly nodeName: string,
  ) {}

  /** Holds the rules back until goOn(). */
  hold(): void {
    this.held = true;
  }

  goOn(): void {
    this.held = false;
    this.sync();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this;
    const log = silentLogger;
    const informers = {
      services: createInformer(client, services, { log }),
      slices: createInformer(client, endpointSlices, { log, indexes: sliceIndexes }),
      nodes: createInformer(client, nodes, { log }),
    };
    const receipts = new Receipts({ client, nodeName, ...informers, clock: systemClock, log });
    const announcer = {
      set: (service: string, claims: readonly Claim[]) => {
        this.claims.set(service, claims);
      },
    };
    const programming = new Programming({ ...informers, announcers: [announcer], receipts });
    this.sync = () => {
      if (this.held || ![informers.services, informers.slices, informers.nodes].every((one) => one.hasSynced)) return;
      programming.taken(this.keys);
      this.keys = new Set();
      programming.written();
    };
    informers.services.onChange(({ key }) => {
      this.keys.add(key);
      this.sync();
    });
    informers.slices.onChange(({ object }) => {
      this.keys.add(serviceKeyOf(object));
      this.sync();
    });
    const running = [...Object.values(informers), receipts].map((part) => part.run(signal));
    await Promise.all(Object.values(informers).map((informer) => informer.synced(signal)));
    this.sync();
    await Promise.all(running);
  }
}
