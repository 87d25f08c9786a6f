// Typed operations on the links, addresses, routes and neighbours of one namespace. Each is one message to the kernel; plan.ts
// decides which of them are needed.
import { closeSync, openSync } from 'node:fs';
import type { Family } from '../../controlplane/base/cidr';
import { hasCode, isAlreadyExists, isNotFound, NotFound } from '../../controlplane/base/errors';
import type { Netns } from '../netns/netns';
import { netnsIdentity } from '../netns/system-netns';
import { AF_BRIDGE, NLM_F, NUD, RTM } from './constants';
import type { FdbEntry, Link, LinkAddress, Neighbour, Route, Vxlan } from './model';
import { RtSocket } from './rt-socket';
import {
  addressMessage,
  addressQuery,
  fdbMessage,
  fdbQuery,
  neighbourMessage,
  neighbourQuery,
  parseFdbEntry,
  parseLinkAddress,
  parseNeighbour,
  parseRoute,
  parseRouteChoice,
  routeMessage,
  routeQuery,
  routeQueryTo,
} from './wire';
import { type LinkChange, linkChange, linkCreation, linkQuery, parseLink } from './wire-link';

export interface VethEnd {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
}

export class Rtnetlink {
  private readonly socket: RtSocket;

  /** Opens the socket inside `netns`; close() closes it. @throws NotFound when the namespace does not exist any more. */
  constructor(readonly netns: Netns) {
    this.socket = new RtSocket(netns);
  }

  close(): void {
    this.socket.close();
  }

  async links(): Promise<readonly Link[]> {
    return this.socket.dump('list links', RTM.GETLINK, linkQuery(), parseLink);
  }

  /** The link of this name, or undefined. */
  async link(name: string): Promise<Link | undefined> {
    try {
      const [message] = await this.socket.request(`get link ${name}`, RTM.GETLINK, 0, linkQuery({ name }));
      return message === undefined ? undefined : parseLink(message.data);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /** @throws AlreadyExists when the name is taken. */
  async createBridge(name: string, change: Omit<LinkChange, 'name' | 'hairpin'>): Promise<void> {
    const payload = linkCreation({ kind: 'bridge', name, ...change });
    await this.socket.request(`create bridge ${name}`, RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload);
  }

  /**
   * @throws AlreadyExists when the name exists, or a tunnel with this identifier and port; Unsupported without the kernel's
   * module.
   */
  async createVxlan(
    name: string,
    vxlan: Vxlan,
    change: Omit<LinkChange, 'name' | 'hairpin' | 'master'>,
  ): Promise<void> {
    const payload = linkCreation({ kind: 'vxlan', name, vxlan, ...change });
    await this.socket.request(`create vxlan ${name}`, RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload);
  }

  /**
   * Creates a pair whose peer is in `peerNetns` from the start: the peer is never visible in this namespace, so its name cannot
   * clash here. The peer is down; set it up from inside. @throws AlreadyExists when either name exists, NotFound when the other
   * namespace does not exist any more.
   */
  async createVeth(
    end: VethEnd & { readonly up?: boolean; readonly master?: number },
    peer: VethEnd,
    peerNetns: Netns,
  ): Promise<void> {
    const fd = openNamespaceFile(peerNetns);
    try {
      const payload = linkCreation({ kind: 'veth', ...end, peer: { ...peer, netnsFd: fd } });
      await this.socket.request(`create veth ${end.name}`, RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, payload);
    } finally {
      closeSync(fd);
    }
  }

  /** Changes a link, given by name or index; only a link that is a bridge port already has a hairpin flag. @throws NotFound */
  async setLink(which: string | number, change: Omit<LinkChange, 'name'>): Promise<void> {
    const payload = typeof which === 'number' ? linkChange(which, change) : linkChange(0, { ...change, name: which });
    await this.socket.request(`set link ${which}`, RTM.NEWLINK, 0, payload);
  }

  /** Removes a link, and with a veth its peer. Without such a link nothing happens. */
  async removeLink(which: string | number): Promise<void> {
    const payload = typeof which === 'number' ? linkChange(which, {}) : linkChange(0, { name: which });
    await ignoreMissing(this.socket.request(`delete link ${which}`, RTM.DELLINK, 0, payload));
  }

  async addresses(): Promise<readonly LinkAddress[]> {
    return this.socket.dump('list addresses', RTM.GETADDR, addressQuery(), parseLinkAddress);
  }

  async ensureAddress(entry: LinkAddress): Promise<void> {
    const what = `add address ${entry.address}/${entry.prefix}`;
    const sent = this.socket.request(what, RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, addressMessage(entry));
    await ignoreExisting(sent);
  }

  async removeAddress(entry: LinkAddress): Promise<void> {
    const what = `remove address ${entry.address}/${entry.prefix}`;
    await ignoreMissing(this.socket.request(what, RTM.DELADDR, 0, addressMessage(entry)));
  }

  /** Routes of the main table, without local, broadcast and cache entries. */
  async routes(family: Family): Promise<readonly Route[]> {
    const found = await this.socket.dump('list routes', RTM.GETROUTE, routeQuery(family), parseRoute);
    return found.filter((route) => route !== undefined);
  }

  /**
   * The source address and the link that this machine would use to send to `address`; undefined without a route. For an address
   * of this machine: loopback, with the address itself as source.
   */
  async routeTo(address: string): Promise<Pick<Route, 'source' | 'link'> | undefined> {
    const query = routeQueryTo(address);
    try {
      const [message] = await this.socket.request(`find the route to ${address}`, RTM.GETROUTE, 0, query);
      return message === undefined ? undefined : parseRouteChoice(message.data);
    } catch (err) {
      if (isNotFound(err) || hasCode(err, 'Unavailable')) return undefined;
      throw err;
    }
  }

  /** Adds the route, or replaces the one with the same destination and metric. */
  async replaceRoute(route: Route): Promise<void> {
    const what = `set route ${route.destination}${route.gateway === undefined ? '' : ` via ${route.gateway}`}`;
    await this.socket.request(what, RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, routeMessage(route));
  }

  async removeRoute(route: Route): Promise<void> {
    await ignoreMissing(this.socket.request(`remove route ${route.destination}`, RTM.DELROUTE, 0, routeMessage(route)));
  }

  async neighbours(family: Family): Promise<readonly Neighbour[]> {
    return this.socket.dump('list neighbours', RTM.GETNEIGH, neighbourQuery(family), parseNeighbour);
  }

  /** A permanent entry: the kernel never resolves it and never expires it. */
  async ensureNeighbour(entry: Omit<Neighbour, 'state'>): Promise<void> {
    const payload = neighbourMessage({ ...entry, state: NUD.PERMANENT });
    const flags = NLM_F.CREATE | NLM_F.REPLACE;
    await this.socket.request(`set neighbour ${entry.address}`, RTM.NEWNEIGH, flags, payload);
  }

  async removeNeighbour(entry: Pick<Neighbour, 'link' | 'address'>): Promise<void> {
    const payload = neighbourMessage({ ...entry, state: 0 });
    await ignoreMissing(this.socket.request(`remove neighbour ${entry.address}`, RTM.DELNEIGH, 0, payload));
  }

  /** The entries of all bridges and VXLAN links of the namespace, or those of one link. */
  async fdb(link?: number): Promise<readonly FdbEntry[]> {
    const what = `list forwarding entries (family ${AF_BRIDGE})`;
    const found = await this.socket.dump(what, RTM.GETNEIGH, fdbQuery(link), parseFdbEntry);
    return link === undefined ? found : found.filter((entry) => entry.link === link);
  }

  /** Sets the tunnel end point for frames to this MAC on a VXLAN link; replaces an earlier entry. */
  async ensureForwarding(entry: Omit<FdbEntry, 'permanent'>): Promise<void> {
    const flags = NLM_F.CREATE | NLM_F.REPLACE;
    await this.socket.request(`set forwarding entry ${entry.mac}`, RTM.NEWNEIGH, flags, fdbMessage(entry));
  }

  async removeForwarding(entry: Omit<FdbEntry, 'permanent'>): Promise<void> {
    const sent = this.socket.request(`remove forwarding entry ${entry.mac}`, RTM.DELNEIGH, 0, fdbMessage(entry));
    await ignoreMissing(sent);
  }
}

function openNamespaceFile(netns: Netns): number {
  try {
    return openSync(netns.path, 'r');
  } catch (cause) {
    throw new NotFound(`network namespace is gone: ${netns.path}`, { cause });
  }
}

async function ignoreMissing(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}

async function ignoreExisting(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (err) {
    if (!isAlreadyExists(err)) throw err;
  }
}

/** True when both handles refer to the same namespace. @throws NotFound */
export const sameNetns = (a: Netns, b: Netns): boolean => netnsIdentity(a) === netnsIdentity(b);
