// Which other announcers are alive, from their beacons. Pure but for the table it keeps: time is an argument, in milliseconds.
import type { Beacon } from './frames';

export const beaconMs = 500;
/** Three missed beacons. With one more interval until the next check, an address moves within two seconds. */
export const silentMs = 1_500;
/**
 * A node that knows less than another node for this long has lost the API server, and becomes unable. When an API server that was
 * down is back, the nodes ask it again one after the other, up to 7.5 s later: until then a node is late, not cut off. The others
 * call it NotReady, and would answer next to it, only after 40 s.
 */
export const staleMs = 15_000;
/** A process that shut down in order has this long to restart before its addresses move. */
export const restartMs = 3_000;

interface Peer {
  readonly beacon: Beacon;
  readonly mac: string;
  /** The peer was able when it left: its rules stay in the kernel and carry the established connections. */
  readonly wasAble: boolean;
  heardMs: number;
}

export class Peers {
  private readonly peers = new Map<string, Peer>();
  private behindSince: number | undefined;

  /** True when the beacon changes something: a node came back, is leaving, became able or unable. */
  heard(beacon: Beacon, now: number, mac = ''): boolean {
    const before = this.peers.get(beacon.node);
    const state = before?.beacon.state;
    const wasAble = state === 'able' || state === 'starting' || (state === 'leaving' && before?.wasAble === true);
    this.peers.set(beacon.node, { beacon, mac, wasAble, heardMs: now });
    return !before || now - before.heardMs >= silentMs || before.beacon.state !== beacon.state;
  }

  /** This process was delayed, so it heard no beacons: that does not mean that the other nodes are dead. */
  forgive(now: number): void {
    for (const peer of this.peers.values()) peer.heardMs = now;
  }

  isAlive(node: string, now: number): boolean {
    const peer = this.peers.get(node);
    if (peer?.beacon.state === 'leaving') return this.isHeld(node, now);
    return peer !== undefined && now - peer.heardMs < silentMs;
  }

  /** The node's process is restarting: it will answer in a moment, and its kernel carries the traffic meanwhile. */
  isHeld(node: string, now: number): boolean {
    const peer = this.peers.get(node);
    if (peer?.beacon.state === 'starting') return now - peer.heardMs < silentMs;
    return peer?.beacon.state === 'leaving' && peer.wasAble && now - peer.heardMs < restartMs;
  }

  /** False while a node says in its beacon that it must not get addresses, or not yet. */
  isAble(node: string): boolean {
    return (this.peers.get(node)?.beacon.state ?? 'able') === 'able';
  }

  /** The link address its beacons come from. */
  macOf(node: string): string | undefined {
    return this.peers.get(node)?.mac;
  }

  /** True when living peers have known a newer revision for staleMs. */
  isBehind(revision: number, now: number): boolean {
    const newer = [...this.peers.values()].some(
      ({ beacon, heardMs }) => now - heardMs < silentMs && beacon.revision > revision,
    );
    if (!newer) this.behindSince = undefined;
    else this.behindSince ??= now;
    return this.behindSince !== undefined && now - this.behindSince >= staleMs;
  }
}
