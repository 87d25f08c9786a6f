// The tunnel between nodes (VXLAN): which machine a packet is sent to inside another one, and whether that outer packet passes the rules.

import { AppError } from '../../controlplane/base/errors';
import type { Hop, HopEnd, HopFault } from '../../controlplane/base/hops';
import type { Packet } from '../path/packet';
import { tracerOfListings } from '../path/tracers';
import { linkHop, neighbourHop } from './link-hops';
import type { Link } from './links';
import { type Neighbour, readNeighbours, readTunnelEnds } from './neighbours';
import { askRoute } from './routes';
import { routingHop } from './routing-hop';
import { hookHop, stagesOf } from './rules';
import type { NodeView } from './view';

interface Departure {
  readonly link: Link;
  /** The inner next hop: the other node's end of the tunnel. */
  readonly next: string;
  readonly neighbour: Neighbour | undefined;
  readonly view: NodeView;
  readonly hops: Hop[];
}

export async function tunnelDeparture({ link, next, neighbour, view, hops }: Departure): Promise<HopEnd> {
  const { exec, nodeName, network } = view;
  hops.push(linkHop(link, link.name, [`VXLAN network ${link.vxlan!.id}, UDP port ${link.vxlan!.port}`]));
  const ends = await readTunnelEnds(exec, link.name);
  const machine = neighbour?.mac === undefined ? undefined : ends.get(neighbour.mac);
  if (machine === undefined) {
    const what =
      neighbour?.mac === undefined
        ? `has no neighbour entry for ${next}`
        : `has no forwarding entry for ${neighbour.mac}`;
    const fault: HopFault = {
      code: 'TunnelEntryMissing',
      message: `node ${nodeName} ${what} on ${link.name}, so it does not know to which machine the tunnel leads`,
      remedy: "the node's kubelet writes these entries: see whether it runs",
    };
    hops.push({ kind: 'tunnel', name: link.name, state: 'stops', facts: [], fault });
    return { kind: 'stopped' };
  }
  const decision = await askRoute(exec, { destination: machine });
  hops.push(await routingHop(decision, { source: '' }, machine, view));
  if (decision.kind !== 'route') return { kind: 'stopped' };
  const source = link.vxlan!.local ?? decision.source ?? network.addressOn(decision.device, machine) ?? '';
  hops.push(outer({ source, destination: machine, port: link.vxlan!.port }, view, `to ${machine}`));
  const uplink = view.links.find(({ name }) => name === decision.device);
  const via = decision.gateway ?? machine;
  let mac: string | undefined;
  if (uplink) {
    const found = (await readNeighbours(exec, uplink.name)).find(({ address }) => address === via);
    mac = found?.mac;
    hops.push(neighbourHop(via, uplink, found), linkHop(uplink, uplink.name, [`towards ${via}`]));
    const room = uplink.mtu - (machine.includes(':') ? 70 : 50);
    if (link.mtu > room) hops.push(tooLong(link, uplink, room));
  }
  return { kind: 'machine', machine, link: decision.device, tunnel: true, ...(mac === undefined ? {} : { mac }) };
}

const tooLong = (link: Link, uplink: Link, room: number): Hop => ({
  kind: 'tunnel',
  name: link.name,
  state: 'doubtful',
  facts: [`MTU ${link.mtu}, and ${uplink.name} has room for ${room}`],
  fault: {
    code: 'MtuTooLarge',
    message: `${link.name} takes packets of ${link.mtu} bytes, but only ${room} fit into ${uplink.name} with the tunnel's header`,
    remedy: `ip link set ${link.name} mtu ${room}`,
  },
});

interface TunnelArrival {
  readonly link: Link;
  /** The link at which the outer packet arrives. */
  readonly uplink: Link;
  readonly sender: string;
}

export function tunnelArrival({ link, uplink, sender }: TunnelArrival, view: NodeView): readonly Hop[] {
  const own = link.vxlan!.local ?? view.network.addressOn(uplink.name, sender) ?? '';
  const { port, id } = link.vxlan!;
  return [
    linkHop(uplink, uplink.name, [`from ${sender}`]),
    outer({ source: sender, destination: own, port, inInterface: uplink.name }, view, `from ${sender}`),
    linkHop(link, link.name, [`VXLAN network ${id}: the inner packet comes out`]),
  ];
}

/** The outer packet before the rules of this node. */
function outer(
  given: {
    readonly source: string;
    readonly destination: string;
    readonly port: number;
    readonly inInterface?: string;
  },
  { listings, network }: NodeView,
  where: string,
): Hop {
  const { source, destination, port, inInterface } = given;
  const packet: Packet = {
    source,
    destination,
    protocol: 'udp',
    sourcePort: 40_000,
    destinationPort: port,
    ...(inInterface === undefined ? {} : { inInterface }),
  };
  const facts = [`in a packet ${source} to ${destination}, UDP port ${port}`];
  const name = `tunnel ${where}`;
  try {
    const journey = tracerOfListings(listings, 'doubtful').trace(packet, {
      localAddresses: network.localAddresses,
      route: (to) => network.route(to) ?? '',
      random: () => 0,
    });
    if (journey.verdict === 'accept') return { kind: 'tunnel', name, state: 'passes', facts };
    const last = stagesOf(journey.steps).at(-1)!;
    if (!('hook' in last)) return { kind: 'tunnel', name, state: 'stops', facts };
    const { fault, rules } = hookHop(last, {
      packet,
      packets: listings.packets,
      legacy: listings.legacy,
      end: journey,
    });
    const told = fault && { ...fault, message: `the tunnel's own packet is ${fault.message}` };
    return {
      kind: 'tunnel',
      name,
      state: 'stops',
      facts,
      ...(rules ? { rules } : {}),
      ...(told ? { fault: told } : {}),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return {
      kind: 'tunnel',
      name,
      state: 'unknown',
      facts: [...facts, `its rules could not be followed: ${error.message}`],
    };
  }
}
