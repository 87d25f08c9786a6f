// What this node does with one packet, hop by hop: reads the kernel, lets the tracer walk the rules, asks the kernel for its routes, and
// looks at the links, neighbours and sockets on the way. Changes nothing.
import { parseAddress } from '../../controlplane/base/cidr';
import { BadRequest, describeError, Unsupported } from '../../controlplane/base/errors';
import type { Hop, HopAnswer, HopEnd, HopPacket, HopQuestion } from '../../controlplane/base/hops';
import type { Journey } from '../path/journey';
import type { Fields, Packet } from '../path/packet';
import { tracerOfListings } from '../path/tracers';
import { type Arrival, arrive, packetOf } from './arrival';
import { connectionsFull } from './connections';
import { departHops } from './departure';
import { readFlows } from './flows';
import { byMark } from './marks';
import type { Flow, RouteDecision } from './routes';
import { routeOf, routingHop } from './routing-hop';
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
  if (isStopped(hops) || walked.isDropped) return done({ kind: 'stopped' }, walked.packet);
  if (walked.local) {
    const socket = question.answer
      ? undefined
      : await socketHop(walked.packet, { process: 'self', exec: view.exec, who: `node ${view.nodeName}` });
    if (socket) hops.push(socket);
    return done(isStopped(hops) ? { kind: 'stopped' } : { kind: 'node' }, walked.packet);
  }
  const end = await departHops(
    {
      ...walked,
      inPort: arrival.frame?.port,
      isAnswer: question.answer !== undefined,
      asked: packetOf(walked.packet, question),
    },
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
  /** It ends here, unless a rule that could not be read lets it through. */
  readonly isDropped?: true;
  /** Where the last routing decision leads. */
  readonly route?: Extract<RouteDecision, { kind: 'route' }>;
}

/** Hooks and routing decisions, in the kernel's order. */
async function walk(question: HopQuestion, arrival: Arrival, view: NodeView): Promise<Walked> {
  const { packet } = arrival;
  const full = question.answer ? undefined : connectionsFull(view.settings, view.nodeName);
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
  const decide = async (destination: string, fields: Partial<Fields>): Promise<RouteDecision> => {
    const { mark = 0 } = fields;
    const flow = view.portRules ? { flow: flowOf(packet, fields) } : {};
    const decision = await routeOf(view, packet, { destination, mark, ...flow });
    const hop = await routingHop(decision, packet, destination, view);
    const unmarked = mark === 0 ? decision : await routeOf(view, packet, { destination, mark: 0, ...flow });
    const anyPort = view.portRules ? await routeOf(view, packet, { destination, mark }) : decision;
    const why = !isSameWay(decision, unmarked) ? byMark(mark, journey.steps) : byPort;
    hops.push(isSameWay(decision, unmarked) && isSameWay(decision, anyPort) ? hop : withReason(hop, why));
    return decision;
  };
  for (const [i, stage] of stages.entries()) {
    if ('hook' in stage) {
      const last = i === stages.length - 1;
      hops.push(
        hookHop(stage, {
          packet,
          packets: view.listings.packets,
          legacy: view.listings.legacy,
          ...(last ? { end: journey } : {}),
        }),
      );
      continue;
    }
    const before = stages.slice(0, i).findLast((each) => 'hook' in each);
    const fields = before && 'hook' in before ? before.steps.at(-1)!.after : undefined;
    const decision = await decide(stage.destination, fields ?? packet);
    if (decision.kind === 'route') route = decision;
    if (isStopped(hops)) break;
  }
  const isDoubted = hops.at(-1)?.state === 'doubtful';
  if (journey.verdict !== 'accept' && !isStopped(hops)) {
    // By a rule behind another one that may have let it through: only a probe tells.
    if (isDoubted) return { hops, packet: packetAfter(packet, journey), local: false, isDropped: true };
    hops.push(droppedBySomething(journey));
  }
  // A packet of this node to another one: the tracer has no routing step before `output`.
  if (route === undefined && !isStopped(hops)) {
    const decision = await decide(journey.destination, journey);
    if (decision.kind === 'route') route = decision;
  }
  return { hops, packet: packetAfter(packet, journey), local: journey.local, ...(route ? { route } : {}) };
}

const byPort = 'a rule of policy routing chooses this way by protocol or port (ip rule shows it)';

const flowOf = ({ protocol }: Packet, { sourcePort, destinationPort }: Partial<Fields>): Flow => ({
  protocol,
  ...(sourcePort === undefined ? {} : { sourcePort }),
  ...(destinationPort === undefined ? {} : { destinationPort }),
});

const isSameWay = (one: RouteDecision, other: RouteDecision): boolean =>
  one.kind === 'route' && other.kind === 'route'
    ? one.device === other.device && one.gateway === other.gateway
    : one.kind === other.kind;

const withReason = (hop: Hop, why: string): Hop => ({
  ...hop,
  facts: [...hop.facts, why],
  ...(hop.fault ? { fault: { ...hop.fault, message: `${hop.fault.message}; ${why}` } } : {}),
});

const droppedBySomething = ({ verdict }: Journey): Hop => ({
  kind: 'hook',
  name: 'rules',
  state: 'stops',
  facts: [],
  fault: { code: 'ForeignRule', message: `the packet ends at a rule (${verdict})` },
});

/** The tracer's choice among endpoints is led to the one that was asked for. */
async function trace(question: HopQuestion, packet: Packet, view: NodeView): Promise<Journey> {
  const tracer = tracerOfListings(view.listings, 'doubtful');
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
  const hop = await routingHop(decision, packet, packet.destination, view);
  // Rules that were not followed may translate the address: then a route to this one says nothing.
  const hops = hop.state === 'stops' ? [unknown] : [unknown, hop];
  const route = decision.kind === 'route' ? decision : undefined;
  return { hops, packet: arrival.sent, local: route?.local ?? false, ...(route ? { route } : {}) };
}
