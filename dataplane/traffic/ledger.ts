// Folds the entries of connection tracking into edges whose counters only grow. Pure: entries and times are given.
//
// - Connections that the first reading finds are `open`, not `opened`, and what they have sent before does not count: the sums begin with
//   the collector.
// - What a connection sends between its last reading and its end in the table is lost. TCP stays in the table for two minutes after its
//   end, UDP for half a minute after its last packet, so this is rare.
// - A connection that began before the kernel counted has no counters, for its whole life: without `uncounted` it would look idle.
import { readAddress } from '../../controlplane/base/cidr';
import type { TrafficEdge } from '../../controlplane/base/traffic';
import { type Entry, IPPROTO, IPS, type Tuple } from './entry';

/** Edges that had nothing for so long are forgotten. */
export const idleMs = 5 * 60_000;
export const maxEdges = 5_000;
export const maxReported = 1_000;
/** Places of one client in both, while others are left out: a pod that scans ports would otherwise hide all other traffic. */
export const maxOfSource = 100;
/** The table of a larger node is read to its end, but the rest of it is not counted. */
export const maxConnections = 262_144;

type Protocol = TrafficEdge['protocol'];
const protocols: ReadonlyMap<number, Protocol> = new Map([
  [IPPROTO.TCP, 'tcp'],
  [IPPROTO.UDP, 'udp'],
  [IPPROTO.SCTP, 'sctp'],
  [IPPROTO.ICMP, 'icmp'],
  [IPPROTO.ICMPV6, 'icmp'],
]);

/** States in which no packet of the connection can come any more: TIME_WAIT and CLOSE of TCP; CLOSED of SCTP. */
const ended: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  [IPPROTO.TCP, new Set([7, 8])],
  [IPPROTO.SCTP, new Set([1])],
]);

interface Edge {
  /** What the edge is, as bytes: see edgeKey. */
  readonly key: string;
  opened: number;
  open: number;
  unanswered: number;
  uncounted: number;
  requestPackets: number;
  requestBytes: number;
  answerPackets: number;
  answerBytes: number;
  /** Bytes of late, halved with each reading. */
  recent: number;
  lastMs: number;
  /** False: dropped, though connections of it may still be known. */
  kept: boolean;
}

const newEdge = (key: string, lastMs: number): Edge => ({
  key,
  opened: 0,
  open: 0,
  unanswered: 0,
  uncounted: 0,
  requestPackets: 0,
  requestBytes: 0,
  answerPackets: 0,
  answerBytes: 0,
  recent: 0,
  lastMs,
  kept: true,
});
/** Of connections whose edge was dropped. */
const noEdge: Edge = { ...newEdge('', 0), kept: false };

interface Connection {
  edge: Edge;
  id: number;
  reading: number;
  requestPackets: number;
  requestBytes: number;
  answerPackets: number;
  answerBytes: number;
}

export interface LedgerReport {
  readonly edges: readonly TrafficEdge[];
  readonly omittedEdges: number;
}

export class Ledger {
  private readonly connections = new Map<string, Connection>();
  private readonly edges = new Map<string, Edge>();
  private reading = 0;
  /** False: no reading has come to its end yet. */
  private started = false;
  private nowMs = 0;
  /** Edges of the last reading that there was no room for. */
  private crowdedOut = 0;
  /** Connections of the last reading that there was no room for. */
  private beyond = 0;

  /** Before the entries of a reading. */
  begin(nowMs: number): void {
    this.reading++;
    this.nowMs = nowMs;
    this.beyond = 0;
    for (const edge of this.edges.values()) {
      edge.open = 0;
      edge.unanswered = 0;
      edge.uncounted = 0;
      edge.recent /= 2;
    }
  }

  /** The entry is read at once, and may be used again. */
  see(entry: Entry): void {
    const { bytes, original } = entry;
    if (!protocols.has(original.protocol) || isLoopback(entry, original)) return;
    const tuple = bytes.toString('latin1', original.from, original.to);
    const known = this.connections.get(tuple);
    // A table that grows while it is read may show an entry twice.
    if (known?.reading === this.reading && known.id === entry.id) return;
    if (known === undefined && this.connections.size >= maxConnections) {
      this.beyond++;
      return;
    }
    const isNew = known === undefined || known.id !== entry.id;
    const connection = isNew ? this.add(tuple, entry) : known;
    connection.reading = this.reading;
    const edge = this.count(connection, entry, isNew);
    if (edge === undefined || !isOpen(entry)) return;
    edge.open++;
    if ((entry.status & IPS.SEEN_REPLY) === 0) edge.unanswered++;
    if (!entry.counted) edge.uncounted++;
  }

  /** After the entries: forgets what is gone. */
  finish(): void {
    for (const [tuple, { reading }] of this.connections) if (reading !== this.reading) this.connections.delete(tuple);
    for (const edge of this.edges.values()) {
      if (edge.open === 0 && this.nowMs - edge.lastMs > idleMs) this.drop(edge);
    }
    this.makeRoom();
    this.started = true;
  }

  report(): LedgerReport {
    const reported = fairly([...this.edges.values()].sort(byWeight), maxReported);
    return { edges: reported.map(edgeOf), omittedEdges: this.edges.size - reported.length + this.crowdedOut };
  }

  /** Connections of the last reading that are not remembered, for want of room. */
  get unremembered(): number {
    return this.beyond;
  }

  /** For tests of the bounds. */
  get size(): { readonly connections: number; readonly edges: number } {
    return { connections: this.connections.size, edges: this.edges.size };
  }

  private add(tuple: string, entry: Entry): Connection {
    // Without a reading before it, its begin is not known.
    const first = !this.started;
    const edge = this.edge(edgeKey(entry));
    if (!first) edge.opened++;
    const connection: Connection = {
      edge,
      id: entry.id,
      reading: this.reading,
      requestPackets: first ? entry.requestPackets : 0,
      requestBytes: first ? entry.requestBytes : 0,
      answerPackets: first ? entry.answerPackets : 0,
      answerBytes: first ? entry.answerBytes : 0,
    };
    this.connections.set(tuple, connection);
    return connection;
  }

  private edge(key: string): Edge {
    const known = this.edges.get(key);
    if (known) return known;
    const edge = newEdge(key, this.nowMs);
    this.edges.set(key, edge);
    return edge;
  }

  /** Adds what the connection has had since its last reading. Undefined: its edge was dropped, and it still has nothing. */
  private count(connection: Connection, entry: Entry, isNew: boolean): Edge | undefined {
    const requestBytes = grown(connection.requestBytes, entry.requestBytes);
    const requestPackets = grown(connection.requestPackets, entry.requestPackets);
    const answerBytes = grown(connection.answerBytes, entry.answerBytes);
    const answerPackets = grown(connection.answerPackets, entry.answerPackets);
    connection.requestPackets = entry.requestPackets;
    connection.requestBytes = entry.requestBytes;
    connection.answerPackets = entry.answerPackets;
    connection.answerBytes = entry.answerBytes;
    const packets = requestPackets + answerPackets;
    if (!connection.edge.kept) {
      const key = edgeKey(entry);
      // Not the dropped one: it would stay in memory as long as its connections.
      connection.edge = (packets > 0 ? this.edge(key) : this.edges.get(key)) ?? noEdge;
      if (connection.edge === noEdge) return undefined;
    }
    const { edge } = connection;
    if (packets > 0) {
      edge.requestPackets += requestPackets;
      edge.requestBytes += requestBytes;
      edge.answerPackets += answerPackets;
      edge.answerBytes += answerBytes;
      edge.recent += requestBytes + answerBytes;
    }
    if (packets > 0 || isNew) edge.lastMs = this.nowMs;
    return edge;
  }

  /** Only the largest of late stay, of each client some. */
  private makeRoom(): void {
    this.crowdedOut = Math.max(0, this.edges.size - maxEdges);
    if (this.crowdedOut === 0) return;
    const kept = new Set(fairly([...this.edges.values()].sort(byWeight), maxEdges));
    for (const edge of this.edges.values()) if (!kept.has(edge)) this.drop(edge);
  }

  private drop(edge: Edge): void {
    edge.kept = false;
    this.edges.delete(edge.key);
  }
}

/** A smaller number: somebody has set it to zero (conntrack -L -z). */
const grown = (before: number, now: number): number => (now >= before ? now - before : now);

const byWeight = (a: Edge, b: Edge): number =>
  b.recent - a.recent || b.opened - a.opened || b.open - a.open || b.lastMs - a.lastMs;

/**
 * The first of `sorted`, in their order, with at most `maxOfSource` of a client; what then stays free goes to the first of those
 * that were passed over.
 */
function fairly(sorted: readonly Edge[], places: number): readonly Edge[] {
  if (sorted.length <= places) return sorted;
  const ofSource = new Map<string, number>();
  const chosen = new Set<Edge>();
  for (const edge of sorted) {
    if (chosen.size === places) break;
    const source = sourceOf(edge.key);
    const count = ofSource.get(source) ?? 0;
    if (count === maxOfSource) continue;
    ofSource.set(source, count + 1);
    chosen.add(edge);
  }
  for (const edge of sorted) {
    if (chosen.size === places) break;
    chosen.add(edge);
  }
  return sorted.filter((edge) => chosen.has(edge));
}

const isOpen = ({ original, state, status }: Entry): boolean =>
  (status & IPS.DYING) === 0 && ended.get(original.protocol)?.has(state) !== true;

const isLoopback = ({ bytes, addressBytes }: Entry, { sourceAt, destinationAt }: Tuple): boolean =>
  addressBytes === 4
    ? bytes[sourceAt] === 127 || bytes[destinationAt] === 127
    : isLoopback6(bytes, sourceAt) || isLoopback6(bytes, destinationAt);

function isLoopback6(bytes: Buffer, at: number): boolean {
  if (bytes[at + 15] !== 1) return false;
  for (let i = 0; i < 15; i++) if (bytes[at + i] !== 0) return false;
  return true;
}

/** Protocol, client, destination and its port, backend and its port, the client as the backend sees it. */
function edgeKey({ bytes, addressBytes: size, original, reply }: Entry): string {
  const address = (at: number) => bytes.toString('latin1', at, at + size);
  const port = (value: number) => String.fromCharCode(value >> 8, value & 0xff);
  return (
    String.fromCharCode(original.protocol) +
    address(original.sourceAt) +
    address(original.destinationAt) +
    port(original.destinationPort) +
    address(reply.sourceAt) +
    port(reply.sourcePort) +
    address(reply.destinationAt)
  );
}

/** The bytes of one address in a key: four addresses, two ports, a protocol. */
const addressSize = (key: string): number => (key.length - 5) / 4;

const sourceOf = (key: string): string => key.slice(1, 1 + addressSize(key));

/** Only what is reported is written out: most edges of a busy node are not. */
function edgeOf(edge: Edge): TrafficEdge {
  const bytes = Buffer.from(edge.key, 'latin1');
  const size = addressSize(edge.key);
  const address = (at: number): string => readAddress(bytes.subarray(at, at + size)) ?? '';
  const protocol = protocols.get(bytes[0]!)!;
  const hasPorts = protocol !== 'icmp';
  const end = (at: number) => ({
    address: address(at),
    ...(hasPorts ? { port: bytes.readUInt16BE(at + size) } : {}),
  });
  const source = address(1);
  const destination = end(1 + size);
  const backend = end(3 + 2 * size);
  const seenAs = address(5 + 3 * size);
  return {
    protocol,
    source,
    destination,
    ...(backend.address === destination.address && backend.port === destination.port ? {} : { backend }),
    ...(seenAs === source ? {} : { translatedSource: seenAs }),
    opened: edge.opened,
    open: edge.open,
    unanswered: edge.unanswered,
    uncounted: edge.uncounted,
    request: { packets: edge.requestPackets, bytes: edge.requestBytes },
    answer: { packets: edge.answerPackets, bytes: edge.answerBytes },
  };
}
