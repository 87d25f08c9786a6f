// The network of a run with several members of etcd: a network namespace for each place, and one with the switch that joins them. The
// clients open their sockets at the switch. The host itself gets no link, no address and no rule.
import type { Scope } from '../../../controlplane/base/scope';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { Rtnetlink } from '../../../dataplane/link/rtnetlink';
import { ensureNamedNetns, removeNamedNetns } from '../../../dataplane/netns/named';
import type { Netns } from '../../../dataplane/netns/netns';

export interface Place {
  /** Of its namespace. */
  readonly name: string;
  readonly netns: Netns;
  readonly ip: string;
}
export interface NetworkPlan {
  /** The names of the namespaces begin with it. */
  readonly prefix: string;
  /** Of the clients, at the switch. */
  readonly address: string;
  readonly ips: readonly string[];
  readonly prefixLength: number;
}
/** `cable`: the other end is down, so the place has no carrier. `own`: the place's own link is down, and it has no route. */
export type LinkEnd = 'cable' | 'own';

const bridge = 'br0';
const uplink = 'eth0';
/** Locally administered, and no link has it: the switch sends such frames to all places, and each drops them. */
const lostMac = '02:00:00:00:00:01';

export class Network {
  private constructor(
    /** The namespace of the switch: sockets of clients are opened there. */
    readonly clients: Netns,
    readonly places: readonly Place[],
    private readonly hub: Rtnetlink,
    private readonly inside: readonly Rtnetlink[],
  ) {}

  /** The scope removes the namespaces, and with them all links. Needs root. */
  static async open({ prefix, address, ips, prefixLength }: NetworkPlan, scope: Scope): Promise<Network> {
    const exec = new SystemExec();
    const open = async (name: string) => {
      scope.defer(() => removeNamedNetns(exec, name));
      const netns = await ensureNamedNetns(exec, name);
      const links = new Rtnetlink(netns);
      scope.defer(() => links.close());
      return { name, netns, links };
    };
    const { netns: clients, links: hub } = await open(`${prefix}-switch`);
    await hub.createBridge(bridge, { up: true });
    const master = await giveAddress(hub, bridge, address, prefixLength);
    const places: Place[] = [];
    const inside: Rtnetlink[] = [];
    for (const [i, ip] of ips.entries()) {
      const { name, netns, links } = await open(`${prefix}-${i}`);
      await hub.createVeth({ name: port(i), up: true, master }, { name: uplink }, netns);
      await giveAddress(links, uplink, ip, prefixLength);
      await links.setLink(uplink, { up: true });
      places.push({ name, netns, ip });
      inside.push(links);
    }
    return new Network(clients, places, hub, inside);
  }

  /** Sets the link of a place down or up at one end. The kernel itself adds the route of the place's only address again. */
  async setLink(place: number, end: LinkEnd, up: boolean): Promise<void> {
    if (end === 'cable') await this.hub.setLink(port(place), { up });
    else await this.inside[place]!.setLink(uplink, { up });
  }

  /** Clients still reach the place, but what it and the other places send each other is lost. */
  async split(place: number): Promise<void> {
    for (const [from, to] of this.pairsOf(place)) {
      const { index: link } = (await this.inside[from]!.link(uplink))!;
      await this.inside[from]!.ensureNeighbour({ link, address: this.places[to]!.ip, mac: lostMac });
    }
  }

  async join(place: number): Promise<void> {
    for (const [from, to] of this.pairsOf(place)) {
      const { index: link } = (await this.inside[from]!.link(uplink))!;
      await this.inside[from]!.removeNeighbour({ link, address: this.places[to]!.ip });
    }
  }

  private pairsOf(place: number): readonly (readonly [number, number])[] {
    const others = [...this.places.keys()].filter((other) => other !== place);
    return others.flatMap((other) => [[place, other] as const, [other, place] as const]);
  }
}

const port = (place: number): string => `port${place}`;

/** Returns the index of the link. */
async function giveAddress(links: Rtnetlink, name: string, address: string, prefix: number): Promise<number> {
  const { index } = (await links.link(name))!;
  await links.ensureAddress({ link: index, family: 4, address, prefix });
  return index;
}
