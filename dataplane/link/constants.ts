// The numbers that we use from rtnetlink(7) and linux/if_link.h, if_addr.h, rtnetlink.h, neighbour.h.

export const AF_UNSPEC = 0;
export const AF_BRIDGE = 7;

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** Multicast groups by number, as NETLINK_ADD_MEMBERSHIP takes them. */
export const RTNLGRP = { LINK: 1, NEIGH: 3, IPV4_IFADDR: 5, IPV4_ROUTE: 7, IPV6_IFADDR: 9, IPV6_ROUTE: 11 } as const;

export const IFF_UP = 0x1;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  LINKINFO: 18,
  NET_NS_FD: 28,
  EXT_MASK: 29,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
export const VETH_INFO_PEER = 1;
export const IFLA_VXLAN = { ID: 1, LOCAL: 4, LEARNING: 7, PORT: 15, LOCAL6: 17, UDP_CSUM: 18 } as const;
export const IFLA_BR_MULTI_BOOLOPT = 46;
/** Bit of struct br_boolopt_multi: value(4), then the mask of the bits to change(4). */
export const BR_BOOLOPT_NO_LL_LEARN = 1;
export const IFLA_BRPORT_MODE = 4;
/** Leaves the interface counters out of a dump: they are half of its bytes. */
export const RTEXT_FILTER_SKIP_STATS = 8;

export const IFA = { ADDRESS: 1, LOCAL: 2 } as const;
/** No duplicate address detection: the address is usable at once. */
export const IFA_F_NODAD = 2;

export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
export const RT_TABLE_MAIN = 254;
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253 } as const;
export const RTN = { UNICAST: 1, LOCAL: 2, BLACKHOLE: 6 } as const;
/** IPv6 dumps show cached entries of the old route cache with this flag; they are not configuration. */
export const RTM_F_CLONED = 0x200;
/** rtm_flags: the gateway counts as being on the link, whatever addresses the link has. */
export const RTNH_F_ONLINK = 4;

export const NDA = { DST: 1, LLADDR: 2 } as const;
export const NUD = { NOARP: 0x40, PERMANENT: 0x80 } as const;
export const NTF = { SELF: 2 } as const;

export const NLM_F = {
  DUMP_INTR: 16,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  DUMP: 0x300,
} as const;
