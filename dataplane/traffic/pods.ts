// The counters of pods, from the node's ends of their links. A reading is one dump of links: which link is whose is looked up once.
import { describeError, isNotFound } from '../../controlplane/base/errors';
import type { PodTraffic } from '../../controlplane/base/traffic';
import { RTM } from '../link/constants';
import type { Link, LinkAddress } from '../link/model';
import { RtSocket } from '../link/rt-socket';
import { Rtnetlink } from '../link/rtnetlink';
import type { Netns } from '../netns/netns';
import { netnsOfProcess } from '../netns/system-netns';
import { type LinkCounters, linkCountersQuery, parseLinkCounters } from './link-counters';

export interface TrafficPod {
  /** NAMESPACE/NAME */
  readonly key: string;
  /** A process in its network namespace. */
  readonly pid: number;
  readonly addresses: readonly string[];
}

export interface PodReading {
  readonly pods: readonly PodTraffic[];
  readonly problems: readonly string[];
}

/** Of a pod's link: its own index and that of the node's end. */
interface Ends {
  readonly inPod: number;
  readonly onNode: number;
}

export class PodCounters {
  private readonly socket: RtSocket;
  private ends = new Map<string, Ends>();

  constructor(netns: Netns) {
    this.socket = new RtSocket(netns);
  }

  close(): void {
    this.socket.close();
  }

  /** A pod that has just ended is left out. @throws Unavailable */
  async read(pods: readonly TrafficPod[]): Promise<PodReading> {
    const links = await this.socket.dump('list links', RTM.GETLINK, linkCountersQuery(), parseLinkCounters);
    const byIndex = new Map(links.map((link) => [link.index, link]));
    const known = new Map<string, Ends>();
    const found: PodTraffic[] = [];
    const problems: string[] = [];
    for (const pod of pods) {
      const id = `${pod.pid} ${pod.key}`;
      try {
        const ends = this.current(id, byIndex) ?? (await endsOf(pod));
        const link = ends && linkAt(ends, byIndex);
        if (!ends || !link) {
          problems.push(`pod ${pod.key}: none of its links leads to this node`);
          continue;
        }
        known.set(id, ends);
        found.push(podTraffic(pod, link));
      } catch (error) {
        if (!isNotFound(error)) problems.push(`pod ${pod.key}: its link cannot be read: ${describeError(error)}`);
      }
    }
    this.ends = known;
    return { pods: found, problems };
  }

  private current(id: string, links: ReadonlyMap<number, LinkCounters>): Ends | undefined {
    const ends = this.ends.get(id);
    return ends && linkAt(ends, links) ? ends : undefined;
  }
}

/** The number alone may be that of another link that was made later. */
function linkAt({ inPod, onNode }: Ends, links: ReadonlyMap<number, LinkCounters>): LinkCounters | undefined {
  const link = links.get(onNode);
  return link?.peer === inPod ? link : undefined;
}

async function endsOf({ pid, addresses }: TrafficPod): Promise<Ends | undefined> {
  const inside = new Rtnetlink(netnsOfProcess(pid));
  try {
    const link = podLink(await inside.links(), await inside.addresses(), addresses);
    return link && { inPod: link.index, onNode: link.peer };
  } finally {
    inside.close();
  }
}

/** Pure. A pod may have more links than that of its address. */
export function podLink(
  links: readonly Link[],
  own: readonly LinkAddress[],
  addresses: readonly string[],
): Link | undefined {
  const veths = links.filter(({ kind, peer }) => kind === 'veth' && peer > 0);
  return veths.find(({ index }) => own.some(({ link, address }) => link === index && addresses.includes(address)));
}

/** Pure. What the node's end receives is what the pod sends. */
export const podTraffic = ({ key, addresses }: TrafficPod, { received, sent }: LinkCounters): PodTraffic => ({
  pod: key,
  addresses,
  received: sent,
  sent: received,
});
