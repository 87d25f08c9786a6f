// Membership of IPv6 multicast groups on one link: the kernel tells switches, and the network card lets their frames through. It
// ends with the process.
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { parseAddress } from '../../controlplane/base/cidr';
import { NotFound, Unavailable } from '../../controlplane/base/errors';
import { errnoName } from '../libc/errno';
import type { Netns } from './netns';

const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_IPV6 = 41;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  if_nametoindex(name: string): number;
}
let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load('libc.so.6');
    loaded = {
      socket: library.func('int socket(int domain, int type, int protocol)'),
      setsockopt: library.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
      if_nametoindex: library.func('uint32_t if_nametoindex(const char *name)'),
    } as unknown as Libc;
  }
  return loaded;
}

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

  /** Of these and no others, from now on. The kernel limits how many a socket may have. @throws Unavailable */
  set(groups: ReadonlySet<string>): void {
    const before = this.groups;
    this.groups = groups;
    for (const group of before) if (!groups.has(group)) this.change(IPV6_LEAVE_GROUP, group);
    for (const group of groups) if (!before.has(group)) this.change(IPV6_JOIN_GROUP, group);
  }

  /** Once. */
  close(): void {
    closeSync(this.fd);
  }

  private change(option: number, group: string): void {
    // struct ipv6_mreq
    const request = Buffer.alloc(20);
    const { value } = parseAddress(group);
    request.writeBigUInt64BE(value >> 64n, 0);
    request.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, 8);
    request.writeUInt32LE(this.index, 16);
    if (libc().setsockopt(this.fd, IPPROTO_IPV6, option, request, request.length) < 0) {
      throw new Unavailable(`multicast group ${group}: ${errnoName()}`);
    }
  }
}
