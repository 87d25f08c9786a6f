// Who of the other announcers lives, from their beacons. Pure but for the table it keeps: time is an argument, in milliseconds.
import type { Beacon } from './frames';

export const beaconMs = 500;
/** Three beacons missed. With one interval until somebody looks, an address moves within two seconds. */
export const silentMs = 1_500;
/** A node that knows less than another for this long has lost the API server, and steps back. */
export const staleMs = 3_000;
/**
 * Where no beacon of anybody ever arrived the link may not carry them. Then a node that has been ready for this long is taken
 * for alive: better a slow fail-over, by the API, than two nodes that both answer.
 */
export const trustMs = 10_000;

interface Peer {
  readonly beacon: Beacon;
  heardMs: number;
}

export class Peers {
  private readonly peers = new Map<string, Peer>();
  private behindSince: number | undefined;
  /** When this process first saw the node as ready. */
  private readonly readySince = new Map<string, number>();
  private heardAny = false;

  /** True when the beacon says something new: a node came back, is leaving, became able or unable. */
  heard(beacon: Beacon, now: number): boolean {
    const before = this.peers.get(beacon.node);
    this.heardAny = true;
    this.peers.set(beacon.node, { beacon, heardMs: now });
    return !before || now - before.heardMs >= silentMs || before.beacon.state !== beacon.state;
  }

  /** This process was held up: that the others were not heard says nothing about them. */
  forgive(now: number): void {
    for (const peer of this.peers.values()) peer.heardMs = now;
  }

  /** Keeps account of which nodes the API calls ready. */
  ready(nodes: ReadonlySet<string>, now: number): void {
    for (const name of nodes) if (!this.readySince.has(name)) this.readySince.set(name, now);
    for (const name of this.readySince.keys()) if (!nodes.has(name)) this.readySince.delete(name);
  }

  isAlive(node: string, now: number): boolean {
    const peer = this.peers.get(node);
    if (peer) return now - peer.heardMs < silentMs && peer.beacon.state !== 'leaving';
    return !this.heardAny && now - (this.readySince.get(node) ?? now) >= trustMs;
  }

  /** False for a node that says of itself that it should not be given addresses. */
  isAble(node: string): boolean {
    return this.peers.get(node)?.beacon.state !== 'unable';
  }

  /** True when living others have known a newer revision for staleMs. */
  isBehind(revision: number, now: number): boolean {
    const newer = [...this.peers.values()].some(
      ({ beacon, heardMs }) => now - heardMs < silentMs && beacon.revision > revision,
    );
    if (!newer) this.behindSince = undefined;
    else this.behindSince ??= now;
    return this.behindSince !== undefined && now - this.behindSince >= staleMs;
  }
}
