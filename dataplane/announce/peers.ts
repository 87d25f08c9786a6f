// Who of the other announcers lives, from their beacons. Pure but for the table it keeps: time is an argument, in milliseconds.
import type { Beacon } from './frames';

export const beaconMs = 500;
/** Three beacons missed. With one interval until somebody looks, an address moves within two seconds. */
export const silentMs = 1_500;
/** A node that knows less than another for this long has lost the API server, and steps back. */
export const staleMs = 3_000;
interface Peer {
  readonly beacon: Beacon;
  heardMs: number;
}

export class Peers {
  private readonly peers = new Map<string, Peer>();
  private behindSince: number | undefined;

  /** True when the beacon says something new: a node came back, is leaving, became able or unable. */
  heard(beacon: Beacon, now: number): boolean {
    const before = this.peers.get(beacon.node);
    this.peers.set(beacon.node, { beacon, heardMs: now });
    return !before || now - before.heardMs >= silentMs || before.beacon.state !== beacon.state;
  }

  /** This process was held up: that the others were not heard says nothing about them. */
  forgive(now: number): void {
    for (const peer of this.peers.values()) peer.heardMs = now;
  }

  isAlive(node: string, now: number): boolean {
    const peer = this.peers.get(node);
    return peer !== undefined && now - peer.heardMs < silentMs && peer.beacon.state !== 'leaving';
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
