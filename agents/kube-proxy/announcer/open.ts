// The announcer with its watch of all nodes, as the agent runs it.
import { nodes } from '../../../controlplane/api';
import { systemClock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { createInformer } from '../../../controlplane/client/informer';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import type { Events } from '../events';
import type { Part } from '../part';
import { Announcer } from './announcer';

export type AnnouncerPart = Part & Pick<Announcer, 'set'>;

interface Around {
  readonly client: Client;
  readonly nodeName: string;
  readonly events: Pick<Events, 'aboutService'>;
  /** False while this node cannot carry the traffic. */
  readonly able: () => boolean;
  readonly log: Logger;
}

export function openAnnouncer({ client, nodeName, events, able, log }: Around): AnnouncerPart {
  const allNodes = createInformer(client, nodes, { log });
  const announcer = new Announcer({
    nodeName,
    netns: ownNetns(),
    nodes: allNodes,
    clock: systemClock,
    log,
    able,
    onAnnounce: (key, address, link) =>
      events.aboutService(key, 'Normal', 'nodeAssigned', `announcing ${address} from node "${nodeName}" on ${link}`),
    onConflict: (key, address, mac) => {
      const message = `${address} is also answered for by ${mac}, which is not a node of this cluster`;
      events.aboutService(key, 'Warning', 'AddressConflict', message);
    },
  });
  return {
    set: (service, claims) => announcer.set(service, claims),
    run: async (signal) => {
      await Promise.all([allNodes.run(signal), announcer.run(signal)]);
    },
  };
}
