// From what nodes report of their traffic to links between boxes, with rates. Every connection counts once, although two nodes see it: the
// node of its client reports it; a client that is no pod is reported by the node that it came to first.
import type { NodeTrafficStatus, PacketsAndBytes, StoppedTraffic, TrafficEdge } from '../../../base/traffic';
import { nodeId } from './boxes';
import { calledAt, type Directory, endText, whereOf } from './directory';
import { forwardedBy } from './requests';

/** What a node reports, with the answer before each part was read again: of one reading alone the rates are not known. */
export interface NodeReading {
  readonly node: string;
  readonly before: { readonly [part in Part]?: NodeTrafficStatus | undefined };
  readonly now: NodeTrafficStatus;
}
type Part = 'connections' | 'pods' | 'stopped' | 'refused' | 'requests';

/** The next reading of a node. A part that costs the node much is read less often than the page asks, and keeps its rate meanwhile. */
export function nextReading(last: NodeReading | undefined, node: string, now: NodeTrafficStatus): NodeReading {
  const before = (part: Part) => (last && last.now.readAt[part] === now.readAt[part] ? last.before[part] : last?.now);
  const parts = ['connections', 'pods', 'stopped', 'refused', 'requests'] as const;
  return { node, before: Object.fromEntries(parts.map((part) => [part, before(part)])), now };
}

/** One kind of connection on a link: who, with what. */
export interface Flow {
  readonly protocol: TrafficEdge['protocol'];
  readonly source: string;
  readonly destination: string;
  readonly port?: number;
  /** ADDRESS:PORT, where a rule chose another destination. */
  readonly backend?: string;
  readonly translatedSource?: string;
  readonly open: number;
  readonly unanswered: number;
  /** Open connections whose packets the kernel does not count, because they began before anyone looked. */
  readonly uncounted: number;
  readonly opened: number;
  readonly openedPerSecond: number;
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
}

export interface TrafficLink {
  readonly from: string;
  readonly to: string;
  /** Probes of kubelets, and what the proxies of Ingresses forward: the requests are counted for themselves. */
  readonly isOwn: boolean;
  readonly open: number;
  /** Of TCP and SCTP: of other protocols one-way traffic is no fault. */
  readonly unanswered: number;
  readonly uncounted: number;
  readonly openedPerSecond: number;
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
  /** The busiest first. */
  readonly flows: readonly Flow[];
}

/** Packets that were stopped, at a box. */
export interface Stop extends StoppedTraffic {
  readonly node: string;
  readonly box: string;
  readonly packetsPerSecond: number;
  /** True when the rule is for the pods of several boxes: any of them may be meant. */
  readonly isShared: boolean;
}

/** Flows of a link that a reader is shown. */
const maxFlows = 20;

export function trafficLinks(readings: readonly NodeReading[], directory: Directory): readonly TrafficLink[] {
  const translated = new Map<string, string>();
  for (const { node, now } of readings) {
    for (const edge of now.edges) {
      if (edge.backend) translated.set(sight(edge.protocol, edge.source, edge.backend), node);
    }
  }
  const links = new Map<string, Flow[]>();
  const put = (from: string, to: string, flow: Flow, isOwn = false) => {
    const key = `${from} ${to} ${isOwn}`;
    const flows = links.get(key);
    if (flows) flows.push(flow);
    else links.set(key, [flow]);
  };
  for (const reading of readings) {
    const rates = ratesOf(reading);
    const isOwn = ownOf(reading, directory);
    for (const edge of reading.now.edges) {
      const from = whereOf(directory, edge.source);
      // The client's own node reports it, with what its rules made of it.
      if (from.node !== undefined && from.node !== reading.node) continue;
      const first = edge.backend ? undefined : translated.get(sight(edge.protocol, edge.source, edge.destination));
      if (first !== undefined && first !== reading.node) continue;
      const flow = { ...flowOf(edge), ...rates(edge) };
      const target = calledAt(directory, edge.destination);
      const backend = edge.backend && calledAt(directory, edge.backend).box;
      const own = from.box === nodeId(reading.node) && isOwn(edge.backend ?? edge.destination);
      // A port of the node that is forwarded to a pod: the node is not the receiver.
      if (backend !== undefined && !target.isService) put(from.box, backend, flow, own);
      else {
        put(from.box, target.box, flow, own && !target.isService);
        if (backend !== undefined) put(target.box, backend, flow);
      }
    }
  }
  return [...links].map(([key, flows]) => linkOf(key, flows));
}

/** Whether the node itself sends to this pod in the name of the cluster. */
function ownOf(reading: NodeReading, { probed }: Directory): (end: TrafficEdge['destination']) => boolean {
  const [probes, forwarded] = [probed.get(reading.node), forwardedBy(reading)];
  return (end) => {
    const text = endText(end);
    return probes?.has(text) === true || forwarded.has(text);
  };
}

const sight = (protocol: string, source: string, { address, port }: TrafficEdge['destination']): string =>
  `${protocol} ${source} ${address} ${port ?? ''}`;

const flowOf = (edge: TrafficEdge) => ({
  protocol: edge.protocol,
  source: edge.source,
  destination: edge.destination.address,
  ...(edge.destination.port === undefined ? {} : { port: edge.destination.port }),
  ...(edge.backend ? { backend: endText(edge.backend) } : {}),
  ...(edge.translatedSource ? { translatedSource: edge.translatedSource } : {}),
  open: edge.open,
  unanswered: edge.unanswered,
  uncounted: edge.uncounted,
  opened: edge.opened,
});

function linkOf(key: string, all: readonly Flow[]): TrafficLink {
  const [from = '', to = '', isOwn] = key.split(' ');
  const flows = [...all].sort(byRate);
  const sum = (of: (flow: Flow) => number) => all.reduce((total, flow) => total + of(flow), 0);
  return {
    from,
    to,
    isOwn: isOwn === 'true',
    open: sum(({ open }) => open),
    unanswered: sum(({ protocol, unanswered }) => (protocol === 'tcp' || protocol === 'sctp' ? unanswered : 0)),
    uncounted: sum(({ uncounted }) => uncounted),
    openedPerSecond: sum(({ openedPerSecond }) => openedPerSecond),
    bytesPerSecond: sum(({ bytesPerSecond }) => bytesPerSecond),
    packetsPerSecond: sum(({ packetsPerSecond }) => packetsPerSecond),
    flows: flows.slice(0, maxFlows),
  };
}

/** Of one way: what the cluster itself sends, and the rest. */
export function together(one: TrafficLink, other: TrafficLink): TrafficLink {
  const both = (of: (link: TrafficLink) => number) => of(one) + of(other);
  return {
    from: one.from,
    to: one.to,
    isOwn: one.isOwn && other.isOwn,
    open: both(({ open }) => open),
    unanswered: both(({ unanswered }) => unanswered),
    uncounted: both(({ uncounted }) => uncounted),
    openedPerSecond: both(({ openedPerSecond }) => openedPerSecond),
    bytesPerSecond: both(({ bytesPerSecond }) => bytesPerSecond),
    packetsPerSecond: both(({ packetsPerSecond }) => packetsPerSecond),
    flows: [...one.flows, ...other.flows].sort(byRate).slice(0, maxFlows),
  };
}

const byRate = (a: Flow, b: Flow): number => b.bytesPerSecond - a.bytesPerSecond || b.opened - a.opened;

const noRate = { openedPerSecond: 0, bytesPerSecond: 0, packetsPerSecond: 0 };

/** The seconds between the readings of this part; undefined when they cannot be compared, or are the same one. */
function secondsOf({ before: both, now }: NodeReading, part: Part): number | undefined {
  const before = both[part];
  if (!before || before.collector !== now.collector) return undefined;
  const seconds = (Date.parse(now.readAt[part]) - Date.parse(before.readAt[part])) / 1000;
  return seconds > 0 ? seconds : undefined;
}

function ratesOf(reading: NodeReading): (edge: TrafficEdge) => typeof noRate {
  const seconds = secondsOf(reading, 'connections');
  if (seconds === undefined) return () => noRate;
  const earlier = new Map(reading.before.connections!.edges.map((edge) => [edgeKey(edge), edge]));
  return (edge) => {
    const old = earlier.get(edgeKey(edge));
    const both = ({ request, answer }: TrafficEdge, of: keyof PacketsAndBytes) => request[of] + answer[of];
    // An edge that was not reported before may have left the list and come back: its numbers are no rate.
    if (!old && reading.before.connections!.omittedEdges > 0) return noRate;
    const grown = (of: (one: TrafficEdge) => number) => Math.max(0, of(edge) - (old ? of(old) : 0)) / seconds;
    return {
      openedPerSecond: grown(({ opened }) => opened),
      bytesPerSecond: grown((one) => both(one, 'bytes')),
      packetsPerSecond: grown((one) => both(one, 'packets')),
    };
  };
}

const edgeKey = ({ protocol, source, destination, backend, translatedSource = '' }: TrafficEdge): string =>
  `${protocol} ${source} ${endText(destination)} ${backend ? endText(backend) : ''} ${translatedSource}`;

/** Whether all nodes have said twice what they stop: before, nothing stopped means nothing known. */
export const areStopsKnown = (readings: readonly NodeReading[]): boolean =>
  readings.length > 0 && readings.every((reading) => secondsOf(reading, 'stopped') !== undefined);

/** Only rules that have stopped something since the reading before, or since the collector's start. */
export function stopsOf(readings: readonly NodeReading[], directory: Directory): readonly Stop[] {
  return readings.flatMap((reading) => {
    const { node, before, now } = reading;
    const seconds = secondsOf(reading, 'stopped');
    const last = before.stopped;
    const earlier = new Map((last?.stopped ?? []).map((one) => [stopKey(one), one.packets]));
    // A rule that is not in a list that was cut, or could not be read, may have been there with all its packets.
    const isWhole = last !== undefined && last.problems.length === 0 && last.stopped.length < cutAt;
    return now.stopped.flatMap((stopped) => {
      const packetsPerSecond =
        seconds === undefined
          ? 0
          : Math.max(0, stopped.packets - (earlier.get(stopKey(stopped)) ?? (isWhole ? 0 : stopped.packets))) / seconds;
      const boxes = boxesOf(stopped, node, directory);
      return boxes.map((box) => ({ ...stopped, node, box, packetsPerSecond, isShared: boxes.length > 1 }));
    });
  });
}

/** Its pods may come and go. */
const stopKey = ({ rule, direction }: StoppedTraffic): string => `${direction ?? ''} ${rule}`;

/** Nodes report no more rules, and no more refused flows, than this. */
export const cutAt = 500;

function boxesOf({ cause, pods, objects }: StoppedTraffic, node: string, directory: Directory): readonly string[] {
  const ofPods = [...new Set(pods.map((address) => whereOf(directory, address).box))];
  if (ofPods.length > 0) return ofPods;
  if (cause === 'service') {
    const known = objects.map((key) => `service/${key}`).filter((id) => directory.boxes.has(id));
    if (known.length > 0) return known;
  }
  return [`node/${node}`];
}
