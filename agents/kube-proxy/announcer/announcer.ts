// Answers for load balancer addresses on the node's link. For each address one node answers; this file is the loop around the
// election.
//
//   rules written ─► set() ─┐
//   Nodes ──────────────────┼─► evaluate: which nodes live? ─► elect (pure) ─► Responder: answers, gratuitous ARP
//   beacons, every 500 ms ──┘
import type { Node } from '../../../controlplane/api';
import { cidrContains, parseAddress } from '../../../controlplane/base/cidr';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Informer } from '../../../controlplane/client/informer';
import { answersOf, type Claim } from '../../../dataplane/announce/election';
import type { Beacon } from '../../../dataplane/announce/frames';
import { type AnnounceLink, OwnLink } from '../../../dataplane/announce/link';
import { beaconMs, Peers, restartMs, silentMs } from '../../../dataplane/announce/peers';
import { Responder } from '../../../dataplane/announce/responder';
import type { Netns } from '../../../dataplane/netns/netns';
import { type NodeState, nodeStateOf } from './claims';

/** Announcements are repeated for this long: a frame may be lost, or arrive while a switch still learns. */
const repeatMs = 5_000;
/** When the loop runs this late, the process was delayed and may have missed beacons. */
const heldUpMs = 1_000;

export interface AnnouncerDeps {
  readonly nodeName: string;
  readonly netns: Netns;
  /** All nodes of the cluster. */
  readonly nodes: Informer<Node>;
  readonly clock: Clock;
  readonly log: Logger;
  /** False while this node cannot carry the traffic: its rules are not written. */
  readonly able: () => boolean;
  /** Called when this node starts to announce an address, once for every Service that has it. */
  readonly onAnnounce: (service: string, address: string, link: string) => void;
  /** Called when a machine that is none of the announcing nodes answers for an address. */
  readonly onConflict: (service: string, address: string, mac: string) => void;
}

export class Announcer {
  private readonly claims = new Map<string, readonly Claim[]>();
  private readonly peers = new Peers();
  private readonly responder: Responder;
  /** Address → the time at which this node started to announce it. */
  private readonly announced = new Map<string, number>();
  /** The link addresses that sent beacons. */
  private readonly peerMacs = new Set<string>();
  private readonly conflicts = new Set<string>();
  private states: readonly NodeState[] = [];
  private revision = 0;
  /** The time at which this node got the link. For `silentMs` after it, this node only listens to the others' beacons. */
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

  /** The addresses of a Service whose rules are in the kernel. Empty: the Service was removed. */
  set(service: string, claims: readonly Claim[]): void {
    if (claims.length === 0 && !this.claims.has(service)) return;
    if (claims.length > 0) this.claims.set(service, claims);
    else this.claims.delete(service);
    this.request();
  }

  /** The addresses that this node announces. */
  get addresses(): readonly string[] {
    return [...this.announced.keys()].sort();
  }

  /**
   * Announces until the signal is aborted. Then it reports its end to the other nodes: one answers with this node's MAC first,
   * and takes over later.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { nodes, netns, clock } = this.deps;
    await nodes.synced(signal);
    nodes.onChange(() => this.request());
    this.readNodes();
    let last = clock.now();
    const ownLink = new OwnLink(netns);
    try {
      while (!signal.aborted) {
        const now = clock.now();
        if (now - last > beaconMs + heldUpMs) {
          this.peers.forgive(now);
          // Other nodes have taken over: start like a new node, so that addresses that return are announced on the link.
          this.listeningMs = now;
        }
        last = now;
        this.tick(ownLink, now);
        await clock.sleep(beaconMs, signal).catch(() => undefined);
      }
    } finally {
      ownLink.close();
      this.responder.answer(new Map());
      this.sendBeacon('leaving');
      this.responder.close();
      this.announced.clear();
      this.listeningMs = Number.POSITIVE_INFINITY;
    }
  }

  private tick(ownLink: OwnLink, now: number): void {
    const { log } = this.deps;
    const own = this.own();
    let link: AnnounceLink | undefined;
    try {
      if (own && own.address !== '') link = ownLink.find(own.address);
    } catch (err) {
      log.warn('links not read; the next beacon reads them again', { error: err });
    }
    if (this.responder.use(link)) this.listeningMs = now;
    this.sendBeacon(this.state(now));
    this.evaluate();
    for (const [address, since] of this.announced) if (now - since < repeatMs) this.responder.announce(address);
  }

  /** Several changes in one turn of the event loop lead to one evaluation. */
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

  /** The nodes on this link that may announce: those able and ready; without any, those ready; without any, those alive. */
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

  /** While a node is `starting`, the other nodes keep their addresses, and answer for the addresses that the node had. */
  private state(now: number): Beacon['state'] {
    if (this.isAble(now)) return 'able';
    return now - this.listeningMs < restartMs ? 'starting' : 'unable';
  }

  private isAble(now: number): boolean {
    return this.deps.able() && !this.isListening(now) && !this.peers.isBehind(this.revision, now);
  }

  /** Accepts beacons of known nodes from their known address. A sender that can forge these could forge ARP as well. */
  private onBeacon(beacon: Beacon, mac: string): void {
    const { nodeName, clock } = this.deps;
    if (beacon.node === nodeName) return;
    if (!this.states.some(({ name, address }) => name === beacon.node && address === beacon.address)) return;
    this.peerMacs.add(mac);
    if (!this.peers.heard(beacon, clock.now(), mac)) return;
    this.evaluate();
    // A node that returns after a cut of the link may have answered for the same addresses.
    for (const address of this.announced.keys()) this.responder.announce(address);
  }

  /** Other nodes may answer for an address while it moves. Any other machine is a conflict, which is reported once. */
  private onOther(address: string, mac: string): void {
    const { log, onConflict } = this.deps;
    const conflict = `${address} ${mac}`;
    if (this.peerMacs.has(mac) || mac === this.responder.link?.mac || this.conflicts.has(conflict)) return;
    this.conflicts.add(conflict);
    log.warn('another machine answers for an address that this node announces', { address, mac });
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
