// How a packet comes to this node: out of a pod, from a process here, or from another machine by a link or the tunnel.
import type { Hop, HopAnswer, HopEnd, HopPacket, HopQuestion } from '../../controlplane/base/hops';
import type { Frame, Packet } from '../path/packet';
import { leavePod } from './inside-pod';
import { linkHop, portHop } from './link-hops';
import { type Link, linkTowards, otherEnd } from './links';
import { type LocalPod, podLink, podLinkHop, receiverIn } from './pod-view';
import { readResolver } from './resolver';
import { askRoute } from './routes';
import { routesGone, routingHop } from './routing-hop';
import { socketHop } from './socket-hop';
import { tunnelArrival } from './tunnel';
import { isStopped, type NodeView, podOf } from './view';

export interface Arrival {
  /** For the tracer. */
  readonly packet: Packet;
  readonly sent: HopPacket;
  readonly frame?: Frame;
  /** Set where the way ends before the node's rules: a pod that sends to itself. */
  readonly ends?: HopEnd;
  readonly resolver?: HopAnswer['resolver'];
}

export async function arrive(question: HopQuestion, view: NodeView, hops: Hop[]): Promise<Arrival> {
  const { from } = question;
  if (from.kind === 'pod') return fromPod(question, podOf(view, from.pod), view, hops);
  if (from.kind === 'node') return fromNode(question, view, hops);
  return fromMachine(question, from, view, hops);
}

async function fromPod(question: HopQuestion, pod: LocalPod, view: NodeView, hops: Hop[]): Promise<Arrival> {
  const { exec, links } = view;
  const { destination } = question.packet;
  const address =
    question.packet.source || (pod.addresses.find((own) => own.includes(':') === destination.includes(':')) ?? '');
  if (address === '') {
    const family = destination.includes(':') ? 'IPv6' : 'IPv4';
    const message = `pod ${pod.key} has no ${family} address, so it cannot send to ${destination}`;
    hops.push({
      kind: 'interface',
      name: `pod ${pod.key}`,
      state: 'stops',
      facts: [],
      fault: { code: 'AddressMissing', message },
    });
    return { packet: packetOf(question.packet, question), sent: question.packet };
  }
  const sent = { ...question.packet, source: address };
  const [link, resolver] = await Promise.all([
    podLink(exec, pod, address),
    pod.resolvConf === undefined ? undefined : readResolver(pod.resolvConf, pod.hosts).catch(() => undefined),
  ]);
  const packet = { ...packetOf(sent, question), inInterface: '' };
  const arrival = { packet, sent, ...(resolver ? { resolver } : {}) };
  const port = link && otherEnd(link, links);
  // Without a carrier the other end is to blame.
  hops.push(link?.up && port?.up === false ? portHop(port, view) : podLinkHop(pod, address, link));
  if (link === undefined || isStopped(hops)) return arrival;
  const isAnswer = question.answer !== undefined;
  const left = await leavePod({ packet: packetOf(sent, question), sent, pod, link, port, isAnswer }, view);
  hops.push(...left.hops);
  if (isStopped(hops)) return arrival;
  if (left.astray) return { ...arrival, ends: { kind: 'stopped' } };
  if (left.own) {
    const socket = isAnswer ? undefined : await socketHop(left.packet, receiverIn(exec, pod));
    if (socket) hops.push(socket);
    return { ...arrival, ends: isStopped(hops) ? { kind: 'stopped' } : { kind: 'pod', pod: pod.key } };
  }
  if (port === undefined) {
    hops.push(wireMissing(pod, link));
    return arrival;
  }
  hops.push(portHop(port, view));
  const frame = { port: port.name, sourceMac: link.mac };
  const bridged = port.master !== undefined;
  const comes = packetOf(left.packet, question);
  return {
    ...arrival,
    // Connection tracking of the pod undoes what the pod itself has translated.
    sent: left.packet,
    packet: { ...comes, inInterface: port.master ?? port.name, ...(bridged ? { frame } : {}) },
    frame,
  };
}

const wireMissing = (pod: LocalPod, link: Link): Hop => ({
  kind: 'interface',
  name: `node's end of ${link.name} of pod ${pod.key}`,
  state: 'stops',
  facts: [],
  fault: {
    code: 'WireMissing',
    message: `${link.name} of pod ${pod.key} leads to no link of this node`,
    remedy: 'delete the pod, so that it gets a new network',
  },
});

async function fromNode(question: HopQuestion, view: NodeView, hops: Hop[]): Promise<Arrival> {
  const { exec, network } = view;
  const { destination } = question.packet;
  if (question.packet.source !== '') {
    const sent = question.packet;
    return { packet: packetOf(sent, question), sent };
  }
  const decision = await askRoute(exec, { destination });
  if (decision.kind !== 'route') {
    const packet = packetOf(question.packet, question);
    hops.push(await routingHop(decision, packet, destination, view));
    return { packet, sent: question.packet };
  }
  const source = decision.source ?? network.addressOn(decision.device, destination) ?? destination;
  const sent = { ...question.packet, source };
  return { packet: packetOf(sent, question), sent };
}

async function fromMachine(
  question: HopQuestion,
  { address, tunnel = false }: Extract<HopQuestion['from'], { kind: 'machine' }>,
  view: NodeView,
  hops: Hop[],
): Promise<Arrival> {
  const { links, network, nodeName } = view;
  const sent = question.packet;
  const packet = packetOf(sent, question);
  const uplink = linkTowards(address, links, network);
  const link = tunnel ? tunnelTo(sent.source, view) : uplink;
  if (link === undefined || uplink === undefined) {
    const what = uplink ? `node ${nodeName} has no tunnel` : `no link of node ${nodeName} leads to ${address}`;
    const gone = uplink ? undefined : routesGone(address, view);
    const fault = gone ?? { code: uplink ? 'TunnelMissing' : 'NoRoute', message: what };
    hops.push({ kind: 'interface', name: 'arrival', state: 'stops', facts: [], fault });
    return { packet, sent };
  }
  if (tunnel) {
    hops.push(...tunnelArrival({ link, uplink, sender: address }, view));
    if (isStopped(hops)) return { packet, sent };
  } else {
    hops.push(linkHop(link, link.name, [`from ${address}`]));
  }
  return { packet: { ...packet, inInterface: link.name }, sent };
}

/** Of several tunnels, the one by which the answer would leave. */
function tunnelTo(source: string, { links, network }: NodeView): Link | undefined {
  const tunnels = links.filter(({ vxlan }) => vxlan !== undefined);
  return tunnels.find(({ name }) => name === network.route(source)) ?? tunnels[0];
}

const answerStates = ['ESTABLISHED'] as const;

export function packetOf(sent: HopPacket, { answer }: HopQuestion): Packet {
  const { protocol, source, destination, sourcePort, destinationPort } = sent;
  const isV6 = destination.includes(':');
  const icmp = protocol === 'icmp';
  const reply = answer !== undefined;
  return {
    source,
    destination,
    protocol: icmp && isV6 ? 'icmpv6' : protocol,
    ...(icmp ? { icmpType: isV6 ? (reply ? 129 : 128) : reply ? 0 : 8 } : {}),
    ...(icmp ? {} : { sourcePort: sourcePort ?? 40_000 }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
    ...(answer === undefined
      ? {}
      : { states: answerStates, tcpFlags: ['SYN', 'ACK'] as const, restored: restoredOf(answer) }),
  };
}

const restoredOf = ({ source, destination }: NonNullable<HopQuestion['answer']>): NonNullable<Packet['restored']> => ({
  ...(source ? { source } : {}),
  ...(destination ? { destination } : {}),
});
