// Who gets no answer, and no rule is known to stop it: packets that a raw rule drops, a route without an end, a machine that is off. By
// connections without an answer in two readings of the client's node. Pure.
import type { TrafficEdge } from '../../../base/traffic';
import { calledAt, type Directory, endText, whereOf } from './directory';
import type { Refused } from './refused';
import type { NodeReading } from './traffic';

/** @param refused those flows are not listed twice */
export function silentOf(
  readings: readonly NodeReading[],
  directory: Directory,
  refused: readonly Refused[],
): readonly Refused[] {
  const found = new Map(
    refused.flatMap((flow) => senderKeys(flow).map((key) => [key, undefined as Refused | undefined])),
  );
  for (const { node, before, now } of readings) {
    const earlier = before.connections?.collector === now.collector ? before.connections : undefined;
    const seconds = earlier ? (Date.parse(now.readAt.connections) - Date.parse(earlier.readAt.connections)) / 1000 : 0;
    if (!earlier || seconds <= 0) continue;
    const old = new Map(earlier.edges.map((edge) => [keyOf(edge), edge]));
    for (const edge of now.edges) {
      const last = old.get(keyOf(edge));
      const from = whereOf(directory, edge.source);
      if (!last || !isSilent(last, edge) || ![undefined, node].includes(from.node) || found.has(keyOf(edge))) continue;
      const end = edge.backend ?? edge.destination;
      const called = calledAt(directory, edge.destination);
      found.set(keyOf(edge), {
        protocol: edge.protocol,
        source: edge.source,
        destination: edge.destination.address,
        ...(edge.backend ? { backend: edge.backend.address } : {}),
        ...(end.port === undefined ? {} : { port: end.port }),
        ...(edge.backend && called.isService ? { via: called.box } : {}),
        by: 'silence',
        packets: edge.request.packets,
        node,
        from: from.box,
        to: calledAt(directory, end).box,
        packetsPerSecond: Math.max(0, edge.request.packets - last.request.packets) / seconds,
      });
    }
  }
  return [...found.values()].filter((one) => one !== undefined);
}

/** Of TCP and SCTP: a datagram needs no answer. A connection that has just begun may get one yet. */
const isSilent = (last: TrafficEdge, now: TrafficEdge): boolean =>
  (now.protocol === 'tcp' || now.protocol === 'sctp') &&
  now.unanswered > 0 &&
  last.unanswered > 0 &&
  now.answer.packets === last.answer.packets;

const keyOf = ({ protocol, source, destination, backend }: TrafficEdge): string =>
  `${protocol} ${source} ${endText(backend ?? destination)}`;

const senderKeys = ({ protocol, source, destination, backend, port, behind }: Refused): readonly string[] => {
  const end = { address: backend ?? destination, ...(port === undefined ? {} : { port }) };
  return [source, ...(behind?.sources ?? [])].map((sender) => `${protocol} ${sender} ${endText(end)}`);
};
