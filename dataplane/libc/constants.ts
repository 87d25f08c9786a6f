// Constants from Linux' headers for x86-64 and arm64: sys/socket.h, linux/in.h, linux/in6.h, linux/if_packet.h, fcntl.h,
// sys/mman.h, asm/ioctls.h, linux/sockios.h.
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_STREAM = 1;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

/** linux/fs.h */
export const FS_IOC_FSGETXATTR = 0x801c581f;
export const FS_IOC_FSSETXATTR = 0x401c5820;
export const FS_XFLAG_PROJINHERIT = 0x200;
/** Added after the numbers of all architectures became the same. */
export const SYS_quotactl_fd = 443;
/** linux/quota.h */
export const PRJQUOTA = 2;
export const Q_GETQUOTA = 0x800007;
export const Q_SETQUOTA = 0x800008;
export const QIF_BLIMITS = 1;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_MTU = 14;
/** The packets have the don't-fragment bit; the same value for IPv6. */
export const IP_PMTUDISC_DO = 2;
export const IPPROTO_ICMPV6 = 58;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_MTU = 24;
export const IPV6_RECVERR = 25;
export const IPPROTO_IPV6 = 41;
export const IPV6_JOIN_GROUP = 20;
export const IPV6_LEAVE_GROUP = 21;

export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;

/** The bytes of a TCP socket that the other side has not acknowledged (tcp(7), SIOCOUTQ). */
export const TIOCOUTQ = 0x5411;
/** The name of a link, by its index (netdevice(7)). */
export const SIOCGIFNAME = 0x8910;

/** packet(7), linux/if_packet.h */
export const SOL_PACKET = 263;
export const PACKET_RX_RING = 5;
export const PACKET_STATISTICS = 6;
export const PACKET_VERSION = 10;
export const TPACKET_V2 = 1;
export const ETH_P_ALL = 3;
export const PACKET_OUTGOING = 4;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
