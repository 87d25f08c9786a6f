// Where a packet goes after this node's rules: to a pod of the node, or to another machine by a link or the tunnel.
import { NotFound } from '../../controlplane/base/errors';
import type { Hop, HopEnd, HopFault, HopPacket } from '../../controlplane/base/hops';
import type { Packet } from '../path/packet';
import { enterPod } from './inside-pod';
import { linkHop, neighbourHop, portHop } from './link-hops';
import { type Link, otherEnd } from './links';
import { type Neighbour, readNeighbours } from './neighbours';
import { type LocalPod, podLink, podLinkHop, receiverIn } from './pod-view';
import type { RouteDecision } from './routes';
import { socketHop } from './socket-hop';
import { tunnelDeparture } from './tunnel';
import { isStopped, type NodeView } from './view';
import { policyFor, xfrmFault } from './xfrm';

export interface Leaving {
  readonly packet: HopPacket;
  /** Where the last routing decision leads. */
  readonly route?: Extract<RouteDecision, { kind: 'route' }>;
  /** The bridge's port by which the packet came in, if it came from a pod. */
  readonly inPort: string | undefined;
  readonly isAnswer: boolean;
  /** The same packet for a tracer. */
  readonly asked: Packet;
}

/** Adds the hops; the end counts only if none of them stops the packet. */
export async function departHops(leaving: Leaving, view: NodeView, hops: Hop[]): Promise<HopEnd> {
  const { route, packet } = leaving;
  if (route === undefined) return { kind: 'stopped' };
  const { links, pods, exec, xfrm, nodeName } = view;
  const ipsec = policyFor(xfrm, packet);
  if (ipsec?.blocks) {
    hops.push(faultAt('IPsec', xfrmFault(ipsec, nodeName)));
    return { kind: 'stopped' };
  }
  if (ipsec?.tunnel) {
    const facts = [`an IPsec policy sends it through a tunnel, ${ipsec.tunnel}, which is not followed`];
    hops.push({ kind: 'tunnel', name: 'IPsec', state: 'unknown', facts });
  }
  const link = links.find(({ name }) => name === route.device);
  if (link === undefined) throw new NotFound(`the kernel routes to ${route.device}, which is no link of this node`);
  const next = route.gateway ?? packet.destination;
  const neighbour = (await readNeighbours(exec, link.name)).find(({ address }) => address === next);
  const pod = pods.find(({ addresses }) => addresses.includes(packet.destination));
  if (pod !== undefined && link.kind === 'bridge') return toPod(pod, { leaving, link, neighbour, view, hops });
  if (pod !== undefined) {
    hops.push(await leadsAway(pod, link, view, packet));
    return { kind: 'stopped' };
  }
  if (link.kind === 'bridge' && (neighbour?.mac === undefined || neighbour.state === 'FAILED')) {
    hops.push(nobodyThere(packet.destination, link, view));
    return { kind: 'stopped' };
  }
  if (link.vxlan) return tunnelDeparture({ link, next, neighbour, view, hops });
  hops.push(neighbourHop(next, link, neighbour));
  hops.push(linkHop(link, link.name, [`towards ${next}`]));
  return {
    kind: 'machine',
    machine: next,
    link: link.name,
    tunnel: false,
    ...(neighbour?.mac === undefined ? {} : { mac: neighbour.mac }),
  };
}

const faultAt = (name: string, fault: HopFault): Hop => ({ kind: 'tunnel', name, state: 'stops', facts: [], fault });

interface ToPod {
  readonly leaving: Leaving;
  readonly link: Link;
  readonly neighbour: Neighbour | undefined;
  readonly view: NodeView;
  readonly hops: Hop[];
}

async function toPod(pod: LocalPod, { leaving, link, neighbour, view, hops }: ToPod): Promise<HopEnd> {
  const { exec, links, settings } = view;
  const { packet, inPort, isAnswer } = leaving;
  const inside = await podLink(exec, pod, packet.destination);
  hops.push(neighbourOfPod(packet.destination, link, neighbour, inside));
  if (inside === undefined) {
    hops.push(podLinkHop(pod, packet.destination, inside));
    return { kind: 'stopped' };
  }
  const port = otherEnd(inside, links);
  const own = podLinkHop(pod, packet.destination, inside);
  // Without a carrier the other end is to blame.
  if (port && (inside.up || !port.up)) {
    const hop = portHop(port, view);
    const family = packet.destination.includes(':') ? 6 : 4;
    const turns = port.name === inPort && settings.bridgeCallsIptables[family] && port.hairpin === false;
    hops.push(port.master !== link.name ? notOnBridge(hop, port, link) : turns ? hairpinOff(hop, port) : hop);
    if (isStopped(hops)) return { kind: 'stopped' };
  }
  hops.push(own);
  if (isStopped(hops)) return { kind: 'stopped' };
  const entered = await enterPod({ packet: leaving.asked, sent: packet, pod, link: inside }, exec);
  hops.push(...entered.hops);
  if (isStopped(hops)) return { kind: 'stopped' };
  if (!isAnswer) {
    const socket = await socketHop(entered.packet, receiverIn(exec, pod));
    if (socket) hops.push(redirected(socket, packet, entered.packet));
  }
  return { kind: 'pod', pod: pod.key };
}

/** Rules inside the pod have chosen this port. */
function redirected(socket: Hop, before: HopPacket, after: HopPacket): Hop {
  if (socket.fault === undefined || before.destinationPort === after.destinationPort) return socket;
  const message = `${socket.fault.message}; a rule inside the pod sends it there instead of port ${before.destinationPort}`;
  const remedy = 'see what writes rules in this pod, such as a service mesh whose proxy does not run';
  return { ...socket, fault: { ...socket.fault, message, remedy } };
}

/** The route of the bridge's own range is missing, and another one matches, mostly the default route. */
async function leadsAway(
  pod: LocalPod,
  link: Link,
  { exec, links, nodeName }: NodeView,
  packet: HopPacket,
): Promise<Hop> {
  const inside = await podLink(exec, pod, packet.destination);
  const port = inside && otherEnd(inside, links);
  const bridge = links.find(({ name }) => name === port?.master);
  const hop = { kind: 'routing', name: 'routing to the pod', state: 'stops', facts: [] } as const;
  const sends = `node ${nodeName} sends packets for pod ${pod.key} away by ${link.name}`;
  if (bridge && !bridge.up) {
    const message = `bridge ${bridge.name} is down, so ${sends}`;
    return { ...hop, fault: { code: 'LinkDown', message, remedy: `ip link set ${bridge.name} up` } };
  }
  const message = `${sends}, though the pod is here: the route to its bridge is missing`;
  return {
    ...hop,
    fault: { code: 'NoRoute', message, remedy: 'restart the kubelet, which gives the bridge its address' },
  };
}

const nobodyThere = (address: string, { name }: Link, { nodeName }: NodeView): Hop => ({
  kind: 'neighbour',
  name: `neighbour ${address} on ${name}`,
  state: 'stops',
  facts: [],
  fault: {
    code: 'NobodyThere',
    message: `no pod of node ${nodeName} has the address ${address}, and nobody on ${name} answers for it`,
    remedy:
      'the sender uses the address of a pod that is gone, or an EndpointSlice does: kubectl get endpointslices -A',
  },
});

const notOnBridge = (hop: Hop, port: Link, bridge: Link): Hop => ({
  ...hop,
  state: 'stops',
  fault: {
    code: 'WireMissing',
    message: `${port.name} is ${port.master === undefined ? 'in no bridge' : `in bridge ${port.master}`}, but the node sends packets for the pod to ${bridge.name}`,
    remedy: `ip link set ${port.name} master ${bridge.name}`,
  },
});

const hairpinOff = (hop: Hop, port: Link): Hop => ({
  ...hop,
  state: 'stops',
  fault: {
    code: 'HairpinOff',
    message: `the packet must leave ${port.name} by the port it came in by, and hairpin is off there`,
    remedy: `bridge link set dev ${port.name} hairpin on`,
  },
});

function neighbourOfPod(
  address: string,
  bridge: Link,
  neighbour: Neighbour | undefined,
  inside: Link | undefined,
): Hop {
  const hop = neighbourHop(address, bridge, neighbour);
  if (neighbour?.mac === undefined || inside === undefined || neighbour.mac === inside.mac) return hop;
  return {
    ...hop,
    state: 'stops',
    fault: {
      code: 'WrongNeighbour',
      message: `${bridge.name} sends packets for ${address} to ${neighbour.mac}, but the pod has ${inside.mac}: a stale entry, or a second owner of the address`,
      remedy: `ip neighbour del ${address} dev ${bridge.name}`,
    },
  };
}
