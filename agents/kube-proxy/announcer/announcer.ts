// Answers for load balancer addresses on the node's link, one node for each: the loop around the election.
//
//   rules written ─► set() ─┐
//   Nodes ──────────────────┼─► evaluate: who lives? ─► elect (pure) ─► Responder: answers, gratuitous ARP
//   beacons, every 500 ms ──┘
import type { Node } from '../../../controlplane/api';
import { cidrContains, parseAddress } from '../../../controlplane/base/cidr';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Informer } from '../../../controlplane/client/informer';
import { answersOf, type Claim } from '../../../dataplane/announce/election';
import type { Beacon } from '../../../dataplane/announce/frames';
import { type AnnounceLink, findLink } from '../../../dataplane/announce/link';
import { beaconMs, Peers, restartMs, silentMs } from '../../../dataplane/announce/peers';
import { Responder } from '../../../dataplane/announce/responder';
import type { Netns } from '../../../dataplane/netns/netns';
import { type NodeState, nodeStateOf } from './claims';

/** An announcement is repeated for this long: a single frame may be lost, or come while a switch still learns. */
const repeatMs = 5_000;
/** The loop came this late: the process was held up, and heard nobody meanwhile. */
const heldUpMs = 1_000;

export interface AnnouncerDeps {
  readonly nodeName: string;
  readonly netns: Netns;
  /** All nodes, not this one alone. */
  readonly nodes: Informer<Node>;
  readonly clock: Clock;
  readonly log: Logger;
  /** False while this node cannot carry the traffic: its rules are not written. */
  readonly able: () => boolean;
  /** Told when this node begins to announce an address, once for every Service behind it. */
  readonly onAnnounce: (service: string, address: string, link: string) => void;
  /** Told when a machine that is no announcer speaks for an address of ours. */
  readonly onConflict: (service: string, address: string, mac: string) => void;
}

export class Announcer {
  private readonly claims = new Map<string, readonly Claim[]>();
  private readonly peers = new Peers();
  private readonly responder: Responder;
  /** Address → since when this node announces it. */
  private readonly announced = new Map<string, number>();
  /** From where beacons came. */
  private readonly peerMacs = new Set<string>();
  private readonly conflicts = new Set<string>();
  private states: readonly NodeState[] = [];
  private revision = 0;
  /** Since when it has the link; it announces nothing before it has heard who else does. */
  private listeningMs = Number.POSITIVE_INFINITY;
  private requested = false;

  constructor(private readonly deps: AnnouncerDeps) {
    const { netns, log } = deps;
    this.responder = new Responder({
      netns,
      log,
      onBeacon: (beacon, mac) => this.onBeacon(beacon, mac),
      onOther: (address, mac) => this.onOther(address, mac),
    });
  }

  /** What a Service claims, from when its rules are in the kernel on; an empty list when it is gone. */
  set(service: string, claims: readonly Claim[]): void {
    if (claims.length === 0 && !this.claims.has(service)) return;
    if (claims.length > 0) this.claims.set(service, claims);
    else this.claims.delete(service);
    this.request();
  }

  /** The addresses this node answers for. */
  get addresses(): readonly string[] {
    return [...this.announced.keys()].sort();
  }

  /** Announces until the signal is aborted; then tells the others, who answer in this node's name first and then take over. */
  async run(signal: AbortSignal): Promise<void> {
    const { nodes, clock } = this.deps;
    await nodes.synced(signal);
    nodes.onChange(() => this.request());
    this.readNodes();
    let last = clock.now();
    try {
      while (!signal.aborted) {
        const now = clock.now();
        if (now - last > beaconMs + heldUpMs) {
          this.peers.forgive(now);
          // The others have taken over; it begins as if it were new, and tells the link when it takes them back.
          this.listeningMs = now;
        }
        last = now;
        this.tick(now);
        await clock.sleep(beaconMs, signal).catch(() => undefined);
      }
    } finally {
      this.responder.answer(new Map());
      this.sendBeacon('leaving');
      this.responder.close();
      this.announced.clear();
      this.listeningMs = Number.POSITIVE_INFINITY;
    }
  }

  private tick(now: number): void {
    const { netns, log } = this.deps;
    const own = this.own();
    let link: AnnounceLink | undefined;
    try {
      if (own && own.address !== '') link = findLink(netns, own.address);
    } catch (err) {
      log.warn('links not read', { error: err });
    }
    if (this.responder.use(link)) this.listeningMs = now;
    this.sendBeacon(this.state(now));
    this.evaluate();
    for (const [address, since] of this.announced) if (now - since < repeatMs) this.responder.announce(address);
  }

  /** Several changes of one moment lead to one look. */
  private request(): void {
    if (this.requested) return;
    this.requested = true;
    setImmediate(() => {
      this.requested = false;
      this.readNodes();
      this.evaluate();
    });
  }

  private evaluate(): void {
    const { nodeName, clock, log } = this.deps;
    const now = clock.now();
    const { link } = this.responder;
    const mine = new Set<string>();
    const answers = new Map<string, string>();
    if (link && !this.isListening(now)) {
      const claims = [...this.claims.values()].flat().filter(({ address }) => onLink(link, address));
      const announced = new Set(this.announced.keys());
      const candidates = { self: nodeName, announced, ...this.candidates(link, now) };
      for (const [address, node] of answersOf(claims, candidates)) {
        if (node === nodeName) mine.add(address);
        answers.set(address, (node === nodeName ? undefined : this.peers.macOf(node)) ?? link.mac);
      }
    }
    this.responder.answer(answers);
    for (const address of this.announced.keys()) {
      if (mine.has(address)) continue;
      this.announced.delete(address);
      log.info('address left to another node', { address });
    }
    for (const address of mine) {
      if (this.announced.has(address)) continue;
      this.announced.set(address, now);
      this.responder.announce(address);
      log.info('announcing address', { address, link: link?.name });
      for (const service of this.servicesOf(address)) this.deps.onAnnounce(service, address, link?.name ?? '');
    }
  }

  /** Nodes on this link that may announce, the best kind there is: able and ready, then ready, then just alive. */
  private candidates(link: AnnounceLink, now: number): { able: string[]; held: string[] } {
    const { nodeName } = this.deps;
    const alive = this.states.filter(
      ({ name, address, excluded }) =>
        !excluded && onLink(link, address) && (name === nodeName || this.peers.isAlive(name, now)),
    );
    const able = ({ name }: NodeState) => (name === nodeName ? this.isAble(now) : this.peers.isAble(name));
    const isHeld = ({ name }: NodeState) => name !== nodeName && this.peers.isHeld(name, now);
    const present = alive.filter((state) => !isHeld(state));
    const ready = present.filter((state) => state.ready);
    const best = [ready.filter(able), ready, present].find((some) => some.length > 0) ?? [];
    const held = alive.filter((state) => isHeld(state) && state.ready);
    return { able: best.map(({ name }) => name), held: held.map(({ name }) => name) };
  }

  private isListening(now: number): boolean {
    return !(now - this.listeningMs >= silentMs);
  }

  /** While it listens and reads the first lists the others keep what they have, and what it had for it. */
  private state(now: number): Beacon['state'] {
    if (this.isAble(now)) return 'able';
    return now - this.listeningMs < restartMs ? 'starting' : 'unable';
  }

  private isAble(now: number): boolean {
    return this.deps.able() && !this.isListening(now) && !this.peers.isBehind(this.revision, now);
  }

  /** Only beacons of nodes the API knows, from the address it knows. Who can forge them could forge ARP as well. */
  private onBeacon(beacon: Beacon, mac: string): void {
    const { nodeName, clock } = this.deps;
    if (beacon.node === nodeName) return;
    if (!this.states.some(({ name, address }) => name === beacon.node && address === beacon.address)) return;
    this.peerMacs.add(mac);
    if (!this.peers.heard(beacon, clock.now(), mac)) return;
    this.evaluate();
    // Whoever comes back from beyond a cut may have answered for the same addresses there.
    for (const address of this.announced.keys()) this.responder.announce(address);
  }

  /** Other announcers may speak for it for a moment while it moves; anybody else is a conflict, and told once. */
  private onOther(address: string, mac: string): void {
    const { log, onConflict } = this.deps;
    const conflict = `${address} ${mac}`;
    if (this.peerMacs.has(mac) || mac === this.responder.link?.mac || this.conflicts.has(conflict)) return;
    this.conflicts.add(conflict);
    log.warn('somebody else answers for an address', { address, mac });
    for (const service of this.servicesOf(address)) onConflict(service, address, mac);
  }

  private sendBeacon(state: Beacon['state']): void {
    const own = this.own();
    if (own) this.responder.beacon({ node: own.name, address: own.address, revision: this.revision, state });
  }

  private own(): NodeState | undefined {
    return this.states.find(({ name }) => name === this.deps.nodeName);
  }

  private readNodes(): void {
    const nodes = this.deps.nodes.list();
    this.states = nodes.map(nodeStateOf);
    this.revision = nodes.reduce((most, { metadata }) => Math.max(most, Number(metadata?.resourceVersion ?? 0)), 0);
  }

  private servicesOf(address: string): string[] {
    return [...this.claims]
      .filter(([, claims]) => claims.some((claim) => claim.address === address))
      .map(([key]) => key);
  }
}

const onLink = (link: AnnounceLink, address: string): boolean =>
  address !== '' && link.cidrs.some((cidr) => cidrContains(cidr, parseAddress(address)));
