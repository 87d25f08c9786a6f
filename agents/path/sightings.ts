// What was seen of a probe, over all nodes: its request, the answer, a refusal, an ICMP error; and how far each came. Pure.
import type { Seen } from '../../controlplane/base/hops';

export interface Sighted {
  readonly node: string;
  readonly link: string;
  readonly direction: 'in' | 'out';
  readonly what: 'request' | 'answer' | 'refusal' | 'error';
  /** Microseconds since the first sighting. Nodes of several machines have several clocks. */
  readonly afterUs: number;
  readonly packet: string;
}

export interface ProbeTag {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly destination: string;
  readonly port?: number;
  readonly sourcePort?: number;
}

/** @param byNode in the order in which the request passes them */
export function sightingsOf(
  tag: ProbeTag,
  byNode: readonly { readonly node: string; readonly seen: readonly Seen[] }[],
): readonly Sighted[] {
  const all = byNode.flatMap(({ node, seen }) => seen.map((one) => ({ node, ...one })));
  const first = all.filter((one) => begins(tag, one)).sort((a, b) => a.atUs - b.atUs)[0];
  if (first === undefined) return [];
  const classify = classifier(tag, first);
  return all
    .flatMap((one) => {
      const what = classify(one);
      return what === undefined ? [] : [{ ...one, what }];
    })
    .sort((a, b) => a.atUs - b.atUs)
    .map(({ node, link, direction, what, atUs, ...packet }) => ({
      node,
      link,
      direction,
      what,
      afterUs: atUs - first.atUs,
      packet: packetText(packet),
    }));
}

/** The first packet of the probe, before any translation. */
const begins = ({ protocol, destination, port, sourcePort }: ProbeTag, seen: Seen): boolean =>
  seen.destination === destination &&
  (protocol === 'icmp'
    ? seen.icmp?.echo !== undefined
    : seen.destinationPort === port && seen.sourcePort === sourcePort && (protocol === 'udp' || isSyn(seen)));

const isSyn = ({ flags = [] }: Seen): boolean => flags.includes('SYN') && !flags.includes('ACK');

/** Translation changes addresses and ports; the sequence number of TCP, and the number of an echo, stay. */
function classifier({ protocol }: ProbeTag, first: Seen): (seen: Seen) => Sighted['what'] | undefined {
  if (protocol === 'tcp') {
    return ({ flags = [], seq, ack, icmp }) => {
      if (icmp) return 'error';
      if (flags.includes('SYN') && !flags.includes('ACK')) return seq === first.seq ? 'request' : undefined;
      const answers = first.seq !== undefined && ack === (first.seq + 1) % 2 ** 32;
      if (!answers) return undefined;
      if (flags.includes('RST')) return 'refusal';
      return flags.includes('SYN') ? 'answer' : undefined;
    };
  }
  if (protocol === 'icmp') {
    return ({ icmp }) => {
      if (icmp?.echo === undefined) return icmp ? 'error' : undefined;
      if (icmp.echo.id !== first.icmp?.echo?.id) return undefined;
      return icmp.type === 8 || icmp.type === 128 ? 'request' : 'answer';
    };
  }
  const clients = new Set([`${first.source}:${first.sourcePort}`]);
  return ({ icmp, length, source, sourcePort, destination, destinationPort }) => {
    if (icmp) return 'error';
    if (clients.has(`${destination}:${destinationPort}`)) return 'answer';
    // Behind a masquerade the client is another one; the length is that of the probe.
    if (length !== first.length) return undefined;
    clients.add(`${source}:${sourcePort}`);
    return 'request';
  };
}

const packetText = ({
  protocol,
  source,
  sourcePort,
  destination,
  destinationPort,
  flags,
  icmp,
  tunnel,
}: Omit<Seen, 'link' | 'direction' | 'atUs'>): string => {
  const port = (number: number | undefined) => (number === undefined ? '' : `:${number}`);
  const what = icmp ? `icmp type ${icmp.type} code ${icmp.code}` : [protocol, ...(flags ?? [])].join(' ');
  const inside = tunnel ? `, inside ${tunnel.source} to ${tunnel.destination}` : '';
  return `${what} ${source}${port(sourcePort)} to ${destination}${port(destinationPort)}${inside}`;
};
