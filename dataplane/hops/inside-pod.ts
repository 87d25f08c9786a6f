// Rules, routes and neighbours inside a pod: a VPN, a service mesh or a program with NET_ADMIN writes some, and no listing of the node shows
// them. Reads only.
import { BadRequest, CommandFailed, describeError, Unsupported } from '../../controlplane/base/errors';
import type { Hop, HopFault, HopPacket } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';
import type { Journey } from '../path/journey';
import type { Packet } from '../path/packet';
import { tracerOfListings } from '../path/tracers';
import type { Inside } from './foreign-rule';
import { neighbourHop } from './link-hops';
import type { Link } from './links';
import { type CountedListings, readCountedListings } from './listings';
import { readNeighbours } from './neighbours';
import { readNetwork } from './network';
import { inPod, type LocalPod } from './pod-view';
import { askRoute, hasPortRules, type RouteDecision, routeHop } from './routes';
import { hookHop, packetAfter, stagesOf } from './rules';
import { limitsHop } from './sender-limits';
import { answersArp, sysctlName } from './settings';
import { isStopped, type NodeView } from './view';

const insideOf = ({ key, pid }: LocalPod): Inside => ({
  suffix: ` of pod ${key}`,
  prefix: `nsenter --net=/proc/${pid}/ns/net `,
});

/** What the pod's rules make of a packet. */
interface Ruled {
  readonly hops: readonly Hop[];
  readonly packet: HopPacket;
  readonly mark: number;
  /** True: it stays in the pod. */
  readonly local: boolean;
}

/**
 * Hooks `output` and `postrouting` for a packet of the pod, or `prerouting` and `input` for one that comes in by a link.
 *
 * @param packet with `inInterface` if it comes in
 */
async function ruled(packet: Packet, sent: HopPacket, pod: LocalPod, exec: Exec): Promise<Ruled | undefined> {
  let listings: CountedListings | undefined;
  let journey: Journey;
  try {
    listings = await rulesIn(pod, exec);
    if (listings === undefined) return undefined;
    const network = await readNetwork(inPod(exec, pod));
    // What the node translates is not known in here.
    const { restored: _, frame: _frame, ...own } = packet;
    journey = tracerOfListings(listings, 'doubtful').trace(own, {
      localAddresses: network.localAddresses,
      route: (destination) => network.route(destination) ?? '',
      masqueradeAs: (outInterface) => network.addressOn(outInterface, packet.destination),
      random: () => 0,
    });
  } catch (error) {
    if (!(error instanceof Unsupported) && !(error instanceof BadRequest)) throw error;
    const facts = [`the rules inside the pod could not be followed: ${describeError(error)}`];
    const hop: Hop = { kind: 'hook', name: `rules of pod ${pod.key}`, state: 'unknown', facts };
    return { hops: [hop], packet: sent, mark: 0, local: packet.inInterface !== undefined };
  }
  const stages = stagesOf(journey.steps).filter((stage) => 'hook' in stage);
  const { packets, legacy } = listings;
  const hops = stages.map((stage, i) =>
    hookHop(stage, {
      ...{ packet, packets, legacy, inside: insideOf(pod) },
      ...(i === stages.length - 1 ? { end: journey } : {}),
    }),
  );
  return { hops, packet: packetAfter(packet, journey), mark: journey.mark, local: journey.local };
}

/** Undefined: the pod has no rules, as most have none. */
async function rulesIn(pod: LocalPod, exec: Exec): Promise<CountedListings | undefined> {
  const inside = inPod(exec, pod);
  const outputs = await Promise.all([
    printed(inside, 'nft', 'list', 'tables'),
    // Tables of the legacy back end, of the namespace of that process.
    printed(exec, 'cat', `/proc/${pod.pid}/net/ip_tables_names`),
    printed(exec, 'cat', `/proc/${pod.pid}/net/ip6_tables_names`),
  ]);
  return outputs.every((output) => output.trim() === '') ? undefined : readCountedListings(bounded(inside));
}

/** Who may change the rules of a pod is no administrator of the node: what takes long to follow is not followed. */
const maxRuleBytes = 2 * 1024 * 1024;

/** @throws Unsupported when a listing is larger */
const bounded = (exec: Exec): Exec => ({
  run: async (argv, options) => {
    const done = await exec.run(argv, options);
    if (done.stdout.length <= maxRuleBytes) return done;
    throw new Unsupported(`${argv[0]} prints more than ${maxRuleBytes} bytes of rules`);
  },
});

/** '' for a program that is not installed, and for a file that the kernel does not have. */
async function printed(exec: Exec, ...argv: string[]): Promise<string> {
  try {
    return (await exec.run(argv)).stdout;
  } catch (error) {
    if (error instanceof CommandFailed) return '';
    throw error;
  }
}

export interface LeftPod {
  readonly hops: readonly Hop[];
  /** As it leaves the pod, or as a program in it gets it. */
  readonly packet: HopPacket;
  /** The pod itself has the destination. */
  readonly own: boolean;
  /** True: it leaves by a link that does not lead to the node. */
  readonly astray: boolean;
}

export interface Leaving {
  readonly packet: Packet;
  readonly sent: HopPacket;
  readonly pod: LocalPod;
  /** The pod's link with its address, and its other end in the node. */
  readonly link: Link;
  readonly port: Link | undefined;
  /** Another packet answers: its source is given. */
  readonly isAnswer: boolean;
}

/** The way from a program in the pod to the pod's link. */
export async function leavePod(leaving: Leaving, view: NodeView): Promise<LeftPod> {
  const { packet, sent, pod, isAnswer } = leaving;
  const inside = inPod(view.exec, pod);
  // The kernel asks for a route first; without one no rule sees the packet.
  // Most pods have no rules of policy routing; with one about ports the route depends on them.
  const hasRules = await hasPortRules(inside);
  const { protocol, destinationPort } = sent;
  const flow = { protocol, ...(destinationPort === undefined ? {} : { destinationPort }) };
  const way = hasRules ? { flow } : {};
  const [first, limits] = await Promise.all([
    askRoute(inside, { destination: sent.destination, ...way, ...(isAnswer ? { source: sent.source } : {}) }),
    isAnswer ? undefined : limitsHop(sent, pod, view.exec),
  ]);
  let route = first;
  const hops = [...(limits ? [limits] : []), podRoute(route, sent.destination, leaving)];
  if (isStopped(hops)) return { hops, packet: sent, own: false, astray: false };
  const rules = await ruled(packet, sent, pod, view.exec);
  const left = { hops, packet: rules?.packet ?? sent, own: rules?.local ?? false, astray: false };
  hops.push(...(rules?.hops ?? []));
  if (isStopped(hops) || left.own) return left;
  const { destination } = left.packet;
  if (rules && (destination !== sent.destination || rules.mark !== 0)) {
    route = await askRoute(inside, { destination, ...way, mark: rules.mark });
    hops.push(podRoute(route, destination, leaving));
  }
  if (isStopped(hops) || route.kind !== 'route') return left;
  if (route.local) return { ...left, own: true };
  if (route.device !== leaving.link.name) return { ...left, astray: true };
  const next = await nextHop(route.gateway, destination, leaving, view);
  if (next) hops.push(next);
  return left;
}

/** The routing table of the pod, and the source that it gives. */
function podRoute(decision: RouteDecision, destination: string, { pod, link, isAnswer, sent }: Leaving): Hop {
  const hop = { ...routeHop(decision, destination, `pod ${pod.key}`), name: `routing of pod ${pod.key}` };
  if (decision.kind !== 'route' || decision.local) return hop;
  const show = `nsenter --net=/proc/${pod.pid}/ns/net ip route get ${destination}`;
  if (decision.device !== link.name) {
    const message = `pod ${pod.key} sends what goes to ${destination} out by ${decision.device}, not by ${link.name}, its link to the node: a route in the pod says so`;
    const remedy = `on the node: ${show} shows it; a VPN or a second network of the pod may want it so`;
    return { ...hop, state: 'doubtful', fault: { code: 'WrongWay', message, remedy } };
  }
  const { source } = decision;
  if (isAnswer || source === undefined || pod.addresses.includes(source) || source === sent.source) return hop;
  const message = `the route of pod ${pod.key} to ${destination} gives its packets the source ${source}, which is not the pod's (${pod.addresses.join(', ')}): no answer comes back to it`;
  const remedy = `on the node: ${show} shows it (src); delete the pod, so that it gets a new network`;
  return { ...hop, state: 'stops', fault: { code: 'SourceNotOfPod', message, remedy } };
}

/** Undefined: as it should be, which is no news. */
async function nextHop(
  gateway: string | undefined,
  destination: string,
  { pod, link, port }: Leaving,
  view: NodeView,
): Promise<Hop | undefined> {
  const next = gateway ?? destination;
  const entry = (await readNeighbours(inPod(view.exec, pod), link.name)).find(({ address }) => address === next);
  const hop = neighbourHop(next, { ...link, name: `${link.name} of pod ${pod.key}` }, entry);
  // By a route of the pod straight to the receiver, which the kubelet does not write.
  if (gateway === undefined) return entry?.state === 'FAILED' ? hop : undefined;
  const bridge = view.links.find(({ name }) => name === port?.master) ?? port;
  const fault = gatewayFault({ gateway, bridge, mac: entry?.mac, pod, link, view }) ?? (await arpOff(gateway, bridge));
  // A pod that is asking just now gets its answer, or the entry fails.
  if (fault === undefined) return entry?.state === 'FAILED' ? hop : undefined;
  // Another machine may pass it on; and with br_netfilter the bridge itself routes what a Service translates, whatever machine the frame is for.
  return { ...hop, state: 'doubtful', fault };
}

/** An entry that is known may serve for a while. */
async function arpOff(gateway: string, bridge: Link | undefined): Promise<HopFault | undefined> {
  if (bridge === undefined || gateway.includes(':') || (await answersArp(bridge.name))) return undefined;
  const message = `${bridge.name} of the node answers no ARP request (arp_ignore is 8), so pods do not find their gateway ${gateway}`;
  const remedy = `on the node: sysctl -w ${sysctlName('ipv4', bridge.name, 'arp_ignore')}=0 net.ipv4.conf.all.arp_ignore=0`;
  return { code: 'NoNeighbour', message, remedy };
}

interface Gateway {
  readonly gateway: string;
  readonly bridge: Link | undefined;
  readonly mac: string | undefined;
  readonly pod: LocalPod;
  readonly link: Link;
  readonly view: NodeView;
}

function gatewayFault({ gateway, bridge, mac, pod, link, view }: Gateway): HopFault | undefined {
  const run = `on the node: nsenter --net=/proc/${pod.pid}/ns/net`;
  // A bridge that is down may have lost its addresses; its own hop says so.
  if (bridge?.up && !view.network.localAddresses.has(gateway)) {
    const owner = view.pods.find(({ addresses }) => addresses.includes(gateway));
    const who = owner ? `pod ${owner.key}` : 'no pod and no link of this node';
    const ours = bridge.addresses.filter(
      (one) => one.includes(':') === gateway.includes(':') && !one.startsWith('fe80'),
    );
    const message = `the gateway of pod ${pod.key} is ${gateway}, an address of ${who}; ${bridge.name} of the node has ${ours.join(', ') || 'none'}`;
    return {
      code: 'WrongWay',
      message,
      remedy: `${run} ip route replace default via ${ours[0] ?? 'ADDRESS'} dev ${link.name} onlink`,
    };
  }
  if (mac === undefined || bridge === undefined || mac === bridge.mac) return undefined;
  const owner = view.links.find((one) => one.mac === mac);
  const whose = owner ? `the link address of ${owner.name}` : 'a link address that no link of the node has';
  const message = `pod ${pod.key} sends frames for its gateway ${gateway} to ${mac}, ${whose}; ${bridge.name} has ${bridge.mac}`;
  return { code: 'WrongNeighbour', message, remedy: `${run} ip neighbour del ${gateway} dev ${link.name}` };
}

export interface Entering {
  readonly packet: Packet;
  readonly sent: HopPacket;
  readonly pod: LocalPod;
  readonly link: Link;
}

/** The way from the pod's link to a program in it. */
export async function enterPod(
  { packet, sent, pod, link }: Entering,
  exec: Exec,
): Promise<{
  readonly hops: readonly Hop[];
  readonly packet: HopPacket;
}> {
  const rules = await ruled({ ...packet, inInterface: link.name }, sent, pod, exec);
  const refused = await sourceRefused(sent, pod, link, exec);
  const { hops = [], packet: now = sent } = rules ?? {};
  if (isStopped(hops)) return { hops, packet: now };
  return { hops: refused ? [...hops, refused] : hops, packet: now };
}

/** rp_filter of the pod: its way back to the sender is by another link. */
async function sourceRefused(
  { source, destination }: HopPacket,
  pod: LocalPod,
  link: Link,
  exec: Exec,
): Promise<Hop | undefined> {
  const inside = inPod(exec, pod);
  const decision = await askRoute(inside, { destination, from: { source, inInterface: link.name } });
  if (decision.kind !== 'invalid') return undefined;
  const back = await askRoute(inside, { destination: source });
  const by = back.kind === 'route' ? `by ${back.device}` : 'by no link';
  const message = `pod ${pod.key} drops what comes from ${source} by ${link.name}: its way back is ${by}, and rp_filter of the pod asks for the same link`;
  const remedy = `on the node: nsenter --net=/proc/${pod.pid}/ns/net ip route get ${source} shows the way back`;
  const fault = { code: 'ReversePathFilter', message, remedy };
  return { kind: 'routing', name: `routing of pod ${pod.key}`, state: 'stops', facts: [], fault };
}
