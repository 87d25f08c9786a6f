// What this node does with one packet, hop by hop: reads the kernel, lets the tracer walk the rules, asks the kernel for its routes, and
// looks at the links, neighbours and sockets on the way. Changes nothing.
import { parseAddress } from '../../controlplane/base/cidr';
import { BadRequest, describeError, Unsupported } from '../../controlplane/base/errors';
import type { Hop, HopAnswer, HopEnd, HopPacket, HopQuestion } from '../../controlplane/base/hops';
import type { Journey } from '../path/journey';
import type { Packet } from '../path/packet';
import { tracerOfListings } from '../path/tracers';
import { type Arrival, arrive } from './arrival';
import { departHops } from './departure';
import { readFlows } from './flows';
import { askRoute, type RouteDecision, reversePathFilter, routeHop } from './routes';
import { hookHop, packetAfter, stagesOf } from './rules';
import { socketHop } from './socket-hop';
import { isStopped, type NodeView } from './view';

/** @throws BadRequest for a question that no packet fits, NotFound for a pod that is not here */
export async function answerHops(question: HopQuestion, view: NodeView): Promise<HopAnswer> {
  checkPacket(question.packet);
  const hops: Hop[] = [];
  const arrival = await arrive(question, view, hops);
  const links = view.links
    .filter(({ name, mac }) => name !== 'lo' && mac !== '')
    .map(({ name, mac, mtu }) => ({ name, mac, mtu }));
  const flows = question.answer ? [] : await readFlows(view.exec, arrival.sent);
  const done = (end: HopEnd, packet: HopPacket): HopAnswer => ({
    ...(flows.length > 0 ? { flows } : {}),
    hops,
    end,
    sent: arrival.sent,
    packet,
    links,
    ...(arrival.resolver ? { resolver: arrival.resolver } : {}),
  });
  if (isStopped(hops)) return done({ kind: 'stopped' }, question.packet);
  if (arrival.ends) return done(arrival.ends, arrival.sent);
  const walked = await walk(question, arrival, view);
  hops.push(...walked.hops);
  if (isStopped(hops)) return done({ kind: 'stopped' }, walked.packet);
  if (walked.local) {
    const socket = question.answer ? undefined : await socketHop('self', walked.packet, `node ${view.nodeName}`);
    if (socket) hops.push(socket);
    return done(isStopped(hops) ? { kind: 'stopped' } : { kind: 'node' }, walked.packet);
  }
  const end = await departHops(
    { ...walked, inPort: arrival.frame?.port, isAnswer: question.answer !== undefined },
    view,
    hops,
  );
  return done(isStopped(hops) ? { kind: 'stopped' } : end, walked.packet);
}

function checkPacket({ source, destination, protocol, destinationPort }: HopPacket): void {
  const family = parseAddress(destination).family;
  if (source !== '' && parseAddress(source).family !== family) {
    throw new BadRequest(`${source} and ${destination} are of two families`);
  }
  if (protocol !== 'icmp' && destinationPort === undefined) throw new BadRequest(`${protocol} needs a port`);
}

export interface Walked {
  readonly hops: readonly Hop[];
  readonly packet: HopPacket;
  readonly local: boolean;
  /** Where the last routing decision leads. */
  readonly route?: Extract<RouteDecision, { kind: 'route' }>;
}

/** Hooks and routing decisions, in the kernel's order. */
async function walk(question: HopQuestion, arrival: Arrival, view: NodeView): Promise<Walked> {
  const { packet } = arrival;
  const full = connectionsFull(view, question);
  if (full) return { hops: [full], packet: arrival.sent, local: false };
  let journey: Journey;
  try {
    journey = await trace(question, packet, view);
  } catch (error) {
    if (!(error instanceof Unsupported) && !(error instanceof BadRequest)) throw error;
    return routedOnly(arrival, view, error);
  }
  const hops: Hop[] = [];
  let route: Walked['route'];
  const stages = stagesOf(journey.steps);
  for (const [i, stage] of stages.entries()) {
    if ('hook' in stage) {
      const last = i === stages.length - 1;
      hops.push(hookHop(stage, { packet, packets: view.listings.packets, ...(last ? { end: journey } : {}) }));
      continue;
    }
    const before = stages.slice(0, i).findLast((each) => 'hook' in each);
    const fields = before && 'hook' in before ? before.steps.at(-1)!.after : undefined;
    const decision = await routeOf(view, packet, { destination: stage.destination, mark: fields?.mark ?? 0 });
    hops.push(...(await routingHops(decision, packet, stage.destination, view)));
    if (decision.kind === 'route') route = decision;
    if (isStopped(hops)) break;
  }
  if (journey.verdict !== 'accept' && !isStopped(hops)) hops.push(droppedBySomething(journey));
  // A packet of this node to another one: the tracer has no routing step before `output`.
  if (route === undefined && !isStopped(hops)) {
    const decision = await routeOf(view, packet, { destination: journey.destination, mark: journey.mark });
    hops.push(...(await routingHops(decision, packet, journey.destination, view)));
    if (decision.kind === 'route') route = decision;
  }
  return { hops, packet: packetAfter(packet, journey), local: journey.local, ...(route ? { route } : {}) };
}

const droppedBySomething = ({ verdict }: Journey): Hop => ({
  kind: 'hook',
  name: 'rules',
  state: 'stops',
  facts: [],
  fault: { code: 'ForeignRule', message: `the packet ends at a rule (${verdict})` },
});

/** The tracer's choice among endpoints is led to the one that was asked for. */
async function trace(question: HopQuestion, packet: Packet, view: NodeView): Promise<Journey> {
  const tracer = tracerOfListings(view.listings);
  const { network } = view;
  const attempt = (random: () => number) =>
    tracer.trace(packet, {
      localAddresses: network.localAddresses,
      route: (destination) => network.route(destination) ?? '',
      masqueradeAs: (outInterface) => network.addressOn(outInterface, packet.destination),
      random,
    });
  const first = attempt(() => 0);
  const wanted = question.endpoint;
  if (wanted === undefined || chosen(first) === undefined || chosen(first) === wanted) return first;
  for (let i = 1; i < maxEndpoints; i++) {
    // Rules of iptables ask once for each endpoint before it, a map of nftables once in all.
    let asked = 0;
    const inTurn = attempt(() => (asked++ < i ? 1 - 1e-9 : 0));
    if (chosen(inTurn) === wanted) return inTurn;
    const inMap = attempt(() => i / maxEndpoints);
    if (chosen(inMap) === wanted) return inMap;
  }
  return first;
}

const maxEndpoints = 128;

const chosen = ({ dnat }: Journey): string | undefined =>
  dnat === undefined ? undefined : `${dnat.address.includes(':') ? `[${dnat.address}]` : dnat.address}:${dnat.port}`;

const routeOf = (
  { exec }: NodeView,
  { source, inInterface }: Packet,
  { destination, mark }: { readonly destination: string; readonly mark: number },
): Promise<RouteDecision> =>
  askRoute(exec, { destination, mark, ...(inInterface === undefined ? {} : { from: { source, inInterface } }) });

async function routingHops(
  decision: RouteDecision,
  packet: Packet,
  destination: string,
  view: NodeView,
): Promise<readonly Hop[]> {
  const { nodeName, network, settings } = view;
  const who = `node ${nodeName}`;
  const hop = routeHop(decision, destination, who);
  const family = destination.includes(':') ? 6 : 4;
  // Without forwarding the kernel says that no way leads there.
  const leaves = decision.kind === 'route' ? !decision.local : !network.localAddresses.has(destination);
  if (leaves && packet.inInterface !== undefined && !settings.forwarding[family]) {
    const setting = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
    const message = `${who} does not forward packets: ${setting} is 0`;
    return [{ ...hop, state: 'stops', fault: { code: 'ForwardingOff', message, remedy: `sysctl -w ${setting}=1` } }];
  }
  if (decision.kind !== 'invalid' || packet.inInterface === undefined) return [hop];
  const { source, inInterface } = packet;
  if (network.localAddresses.has(source)) {
    const message = `${who} gets a packet from ${source} by ${inInterface}, but has this address itself: two machines have one address`;
    return [{ ...hop, fault: { code: 'DuplicateAddress', message, remedy: `ip address show to ${source}` } }];
  }
  const back = network.route(source);
  if (family === 4 && back !== inInterface && (await reversePathFilter(inInterface)) === 1) {
    const message = `${who} drops what comes from ${source} by ${inInterface}: its way back is by ${back ?? 'no link'}, and rp_filter is strict`;
    const remedy = `sysctl -w net.ipv4.conf.${inInterface}.rp_filter=2 net.ipv4.conf.all.rp_filter=2`;
    return [{ ...hop, fault: { code: 'ReversePathFilter', message, remedy } }];
  }
  return [hop];
}

/** The rules cannot be judged; routes can. */
async function routedOnly(arrival: Arrival, view: NodeView, error: Error): Promise<Walked> {
  const unknown: Hop = {
    kind: 'hook',
    name: 'rules',
    state: 'unknown',
    facts: [`the rules of this node could not be followed: ${describeError(error)}`],
  };
  const { packet } = arrival;
  const decision = await routeOf(view, packet, { destination: packet.destination, mark: 0 });
  const hops = [unknown, ...(await routingHops(decision, packet, packet.destination, view))];
  const route = decision.kind === 'route' ? decision : undefined;
  return { hops, packet: arrival.sent, local: route?.local ?? false, ...(route ? { route } : {}) };
}

/** A new connection needs an entry in the kernel's table. */
function connectionsFull({ settings, nodeName }: NodeView, { answer }: HopQuestion): Hop | undefined {
  const { connections } = settings;
  if (connections === undefined || answer !== undefined || connections.used < connections.max) return undefined;
  const { used, max } = connections;
  return {
    kind: 'hook',
    name: 'connection tracking',
    state: 'stops',
    facts: [`${used} of ${max} entries are in use`],
    fault: {
      code: 'ConntrackFull',
      message: `node ${nodeName} tracks ${used} connections and may track ${max}: it drops new ones`,
      remedy: `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(max * 2, 65_536)}; conntrack -L shows whose they are`,
    },
  };
}
