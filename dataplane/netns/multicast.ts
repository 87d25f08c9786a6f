// Membership of IPv6 multicast groups on one link: the kernel reports it to switches, and the network card accepts the groups'
// frames. The membership ends with the process.
import { closeSync } from 'node:fs';
import { addressBytes } from '../../controlplane/base/cidr';
import { NotFound, Unavailable } from '../../controlplane/base/errors';
import { AF_INET6, IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import type { Netns } from './netns';

export class MulticastGroups {
  private readonly fd: number;
  private readonly index: number;
  private groups: ReadonlySet<string> = new Set();

  /** @throws NotFound without the link, Unavailable where there is no IPv6 */
  constructor(netns: Netns, link: string) {
    const { socket, if_nametoindex } = libc();
    const { fd, index, reason } = netns.enter(() => {
      const index = if_nametoindex(link);
      const fd = index === 0 ? -1 : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      return { fd, index, reason: fd < 0 ? errnoName() : '' };
    });
    if (index === 0) throw new NotFound(`no link ${link}`);
    if (fd < 0) throw new Unavailable(`IPv6 socket: ${reason}`);
    this.fd = fd;
    this.index = index;
  }

  /** Joins these groups and leaves all others. The kernel limits the number per socket. @throws Unavailable */
  set(groups: ReadonlySet<string>): void {
    const before = this.groups;
    this.groups = groups;
    for (const group of before) if (!groups.has(group)) this.change(IPV6_LEAVE_GROUP, group);
    for (const group of groups) if (!before.has(group)) this.change(IPV6_JOIN_GROUP, group);
  }

  /** Call it once only. */
  close(): void {
    closeSync(this.fd);
  }

  private change(option: number, group: string): void {
    // struct ipv6_mreq
    const request = Buffer.alloc(20);
    addressBytes(group).copy(request);
    request.writeUInt32LE(this.index, 16);
    if (libc().setsockopt(this.fd, IPPROTO_IPV6, option, request, request.length) < 0) {
      throw new Unavailable(`multicast group ${group}: ${errnoName()}`);
    }
  }
}
