// Whose packets rules stop, and whose connections pods refuse at once: from the senders that nodes report to links of the picture.
import type { RefusedFlow } from '../../../base/traffic';
import type { Directory } from './directory';
import { calledAt, endText, whereOf } from './directory';
import { cutAt, type NodeReading, type Stop } from './traffic';

export interface Refused extends Omit<RefusedFlow, 'by'> {
  /** `silence`: no answer comes, and no rule is known to stop it (silent.ts). */
  readonly by: RefusedFlow['by'] | 'silence';
  readonly node: string;
  /** The boxes of sender and receiver. */
  readonly from: string;
  readonly to: string;
  /** The box of the Service that the sender called, where a rule has chosen a backend for it. */
  readonly via?: string;
  readonly packetsPerSecond: number;
  /** Present where a node before this one wrote its own address as the source, as for ports of nodes: who sent it, and what they called. */
  readonly behind?: Sender;
}

interface Sender {
  /** Addresses; several, where the nodes cannot tell whose packets they were. */
  readonly sources: readonly string[];
  readonly destination: string;
  readonly port?: number;
}

/** The busiest first. A packet that two nodes see is dropped by one of them alone. */
export function refusedOf(readings: readonly NodeReading[], directory: Directory): readonly Refused[] {
  const senders = sendersOf(readings);
  const all = readings.flatMap(({ node, before, now }) => {
    const earlier = before.refused?.collector === now.collector ? before.refused : undefined;
    const seconds = earlier ? (Date.parse(now.readAt.refused) - Date.parse(earlier.readAt.refused)) / 1000 : 0;
    const known = new Map((earlier?.refused ?? []).map((flow) => [keyOf(flow), flow.packets]));
    // A reset passes the nodes of both ends: the node of the client reports it, with the address that the client wrote.
    const isOther = ({ by, source }: RefusedFlow) =>
      by === 'receiver' && ![undefined, node].includes(whereOf(directory, source).node);
    return now.refused
      .filter((flow) => !isOther(flow))
      .map((flow): Refused => {
        // Of a list that was cut a flow may be new, or have been there with all its packets.
        const old = known.get(keyOf(flow)) ?? (known.size < cutAt ? 0 : flow.packets);
        const grown = Math.max(0, flow.packets - old);
        const { port } = flow;
        const end = { address: flow.backend ?? flow.destination, ...(port === undefined ? {} : { port }) };
        const behind = senders.get(translation(flow.protocol, flow.source, end));
        // Boxes of one kind of sender; several senders may be of several, and then the node is what is known.
        const boxes = new Set((behind?.sources ?? [flow.source]).map((source) => whereOf(directory, source).box));
        const called = flow.backend === undefined ? undefined : (behind ?? { destination: flow.destination });
        const via = called && viaOf(directory, called);
        const [from = ''] = boxes.size === 1 ? boxes : [whereOf(directory, flow.source).box];
        return {
          ...flow,
          ...(behind ? { behind } : {}),
          ...(via ? { via } : {}),
          node,
          from,
          to: calledAt(directory, end).box,
          packetsPerSecond: seconds > 0 ? grown / seconds : 0,
        };
      });
  });
  return all.sort((a, b) => b.packetsPerSecond - a.packetsPerSecond || b.packets - a.packets);
}

/** A port of a node is one of a Service, too. */
function viaOf(directory: Directory, { destination, port }: Pick<Sender, 'destination' | 'port'>): string | undefined {
  const { box, isService } = calledAt(directory, { address: destination, ...(port === undefined ? {} : { port }) });
  return isService ? box : undefined;
}

/** Who is behind a source that a node has written, by its connections: also those without an answer are tracked there. */
function sendersOf(readings: readonly NodeReading[]): ReadonlyMap<string, Sender> {
  const senders = new Map<string, Sender>();
  for (const { now } of readings) {
    for (const { protocol, source, destination, backend, translatedSource } of now.edges) {
      if (translatedSource === undefined) continue;
      const key = translation(protocol, translatedSource, backend ?? destination);
      const { address, port } = destination;
      const known = senders.get(key) ?? { sources: [], destination: address, ...(port === undefined ? {} : { port }) };
      if (!known.sources.includes(source)) senders.set(key, { ...known, sources: [...known.sources, source] });
    }
  }
  return senders;
}

const translation = (protocol: string, source: string, end: { readonly address: string; readonly port?: number }) =>
  `${protocol} ${source} ${endText(end)}`;

/** Moments of ten minutes hold the same flows again and again. */
const keys = new WeakMap<Refused, string>();

/** One line of the list. */
export function flowKey(flow: Refused): string {
  const known = keys.get(flow);
  if (known !== undefined) return known;
  const key = `${flow.node} ${keyOf(flow)}`;
  keys.set(flow, key);
  return key;
}

/** Of the flows of one node. */
const keyOf = ({
  protocol,
  source,
  destination,
  backend = '',
  port,
  by,
  direction,
}: Omit<RefusedFlow, 'by'> & Pick<Refused, 'by'>): string =>
  `${by} ${direction ?? ''} ${protocol} ${source} ${destination} ${backend} ${port ?? ''}`;

/**
 * A rule for the pods of several boxes has stopped packets: those whose flows are known to be refused are meant, and the others are not. As
 * it is, where no flow is known.
 */
export function withoutInnocents(stops: readonly Stop[], refused: readonly Refused[]): readonly Stop[] {
  const isMeant = ({ box, direction, objects }: Stop) =>
    refused.some(
      (flow) =>
        flow.packetsPerSecond > 0 &&
        flow.direction === direction &&
        (direction === 'egress' ? flow.from : flow.to) === box &&
        (flow.policies === undefined || flow.policies.some((key) => objects.includes(key))),
    );
  const shared = stops.filter(({ isShared, cause }) => isShared && cause === 'policy');
  const meant = new Set(shared.filter(isMeant));
  const rules = new Set([...meant].map(({ node, rule }) => `${node} ${rule}`));
  return stops.flatMap((stop) => {
    if (!stop.isShared || stop.cause !== 'policy' || !rules.has(`${stop.node} ${stop.rule}`)) return [stop];
    return meant.has(stop) ? [{ ...stop, isShared: false }] : [];
  });
}
