// Each fault of links, neighbours and tunnels that a node can find, in a real kernel.
import { added, type Case, ip, sysctl, testCases } from '../lib/hop-cases';
import type { HopsPlace } from '../lib/hops-lab';

const tunnelNeighbour = 'neighbour replace 10.244.3.0 lladdr 02:00:00:00:03:00 dev k8ts-vxlan nud permanent';
const noMac = '02:00:00:00:99:99';
const linkSet = (place: HopsPlace, link: string, now: string, after: string) =>
  ip(place, `link set ${link} ${now}`, `link set ${link} ${after}`);
const neighbour = (link: string, spec: string) =>
  ip('node', `neighbour replace ${spec} dev ${link}`, `neighbour del ${spec.split(' ')[0]} dev ${link}`);
/** Mends what went with the link; `true` breaks nothing. */
const back = (place: HopsPlace, what: string) => [place, 'true', `ip ${what}`] as const;
/** Steps are mended in reverse order. */
const eth0Down = [
  back('node', 'route replace ::/0 via 2001:db8::2 dev eth0 onlink'),
  back('node', 'route replace fd00:244:2::/64 via 2001:db8::2 dev eth0 onlink'),
  back('node', 'address replace 2001:db8::1/64 dev eth0'),
  back('node', 'route replace default via 192.0.2.2'),
  back('node', 'route replace 10.244.2.0/24 via 192.0.2.2'),
  linkSet('node', 'eth0', 'down', 'up'),
];
const cni0Down = [back('node', 'address replace fd00:244:1::1/64 dev cni0'), linkSet('node', 'cni0', 'down', 'up')];
const podDown = (pod: 'a' | 'b', last: string) => [
  back(pod, 'route replace ::/0 via fd00:244:1::1 dev eth0 onlink'),
  back(pod, `address replace fd00:244:1::${last}/128 dev eth0`),
  back(pod, 'route replace default via 10.244.1.1 dev eth0 onlink'),
  linkSet(pod, 'eth0', 'down', 'up'),
];

const linksAndNeighbours: readonly Case[] = [
  ...(['outside', 'fromFar', 'near', 'near6', 'fromNode', 'far', 'toNode6'] as const).map(
    (way): Case => ({
      name: `${way}: the link to other machines is down`,
      way,
      breaks: eth0Down,
      code: 'LinkDown',
      says: /eth0 is down/,
    }),
  ),
  ...(['outside', 'near', 'near6'] as const).map(
    (way): Case => ({
      name: `${way}: the other end of the link is down`,
      way,
      breaks: [
        back('near', 'route replace fd00:244:1::/64 via 2001:db8::1 dev eth0 onlink'),
        back('near', 'address replace 2001:db8::2/64 dev eth0'),
        back('near', 'route replace 10.244.1.0/24 via 192.0.2.1'),
        linkSet('near', 'eth0', 'down', 'up'),
      ],
      code: 'LinkDown',
      says: /eth0 has no carrier/,
    }),
  ),
  ...(['pods', 'outside', 'nodeToPod', 'pods6', 'outside6'] as const).map(
    (way): Case => ({
      name: `${way}: the bridge is down`,
      way,
      breaks: cni0Down,
      code: 'LinkDown',
      says: /bridge cni0 is down/,
    }),
  ),
  {
    name: "the sender's end of its wire is down",
    way: 'pods',
    breaks: podDown('a', '5'),
    code: 'LinkDown',
    says: /^eth0 of pod shop\/a is down/,
  },
  {
    name: "the receiver's end of its wire is down",
    way: 'pods',
    breaks: podDown('b', '6'),
    code: 'LinkDown',
    says: /^eth0 of pod shop\/b is down/,
  },
  { name: 'IPv6 addresses go with the link', way: 'pods6', breaks: podDown('a', '5'), code: 'AddressMissing' },
  {
    name: "the node's end of the sender's wire is down",
    way: 'pods',
    breaks: [linkSet('node', 'vetha', 'down', 'up')],
    code: 'LinkDown',
    says: /^vetha is down/,
  },
  {
    name: "the node's end of the receiver's wire is down",
    way: 'pods6',
    breaks: [linkSet('node', 'vethb', 'down', 'up')],
    code: 'LinkDown',
    says: /^vethb is down/,
  },
  {
    name: "the receiver's wire is in no bridge",
    way: 'pods',
    breaks: [linkSet('node', 'vethb', 'nomaster', 'master cni0')],
    code: 'WireMissing',
    says: /vethb is in no bridge/,
  },
  {
    name: 'the tunnel is down',
    way: 'fromFar',
    breaks: [
      back('node', 'route replace 10.244.3.0/24 via 10.244.3.0 dev k8ts-vxlan onlink'),
      back('node', tunnelNeighbour),
      linkSet('node', 'k8ts-vxlan', 'down', 'up'),
    ],
    code: 'LinkDown',
    says: /k8ts-vxlan is down/,
  },
  {
    name: 'the bridge has lost its range',
    way: 'outside',
    breaks: [ip('node', 'address del 10.244.1.1/24 dev cni0', 'address add 10.244.1.1/24 dev cni0')],
    code: 'NoRoute',
    says: /the route to its bridge is missing/,
  },
  {
    name: 'the sender has lost its address',
    way: 'near',
    breaks: [
      back('a', 'route replace default via 10.244.1.1 dev eth0 onlink'),
      ip('a', 'address del 10.244.1.5/32 dev eth0', 'address add 10.244.1.5/32 dev eth0'),
    ],
    code: 'AddressMissing',
    says: /no interface of pod shop\/a/,
  },
  {
    name: 'the receiver has lost its address',
    way: 'outside6',
    breaks: [ip('b', 'address del fd00:244:1::6/128 dev eth0', 'address add fd00:244:1::6/128 dev eth0')],
    code: 'AddressMissing',
    says: /no interface of pod shop\/b/,
  },
  {
    name: 'a wrong neighbour',
    way: 'pods',
    breaks: [neighbour('cni0', `10.244.1.6 lladdr ${noMac} nud permanent`)],
    code: 'WrongNeighbour',
    says: new RegExp(noMac),
    remedy: /ip neighbour del 10\.244\.1\.6 dev cni0/,
  },
  {
    name: 'a wrong neighbour of IPv6',
    way: 'outside6',
    breaks: [neighbour('cni0', `fd00:244:1::6 lladdr ${noMac} nud permanent`)],
    code: 'WrongNeighbour',
  },
  {
    name: 'the next machine does not answer',
    way: 'near',
    breaks: [neighbour('eth0', '192.0.2.2 nud failed')],
    code: 'NoNeighbour',
    state: 'doubtful',
  },
  {
    name: 'the next machine behind the tunnel does not answer',
    way: 'far',
    breaks: [neighbour('eth0', '192.0.2.2 nud failed')],
    code: 'NoNeighbour',
    state: 'doubtful',
  },
  {
    name: 'the next machine of IPv6 does not answer',
    way: 'near6',
    breaks: [neighbour('eth0', '2001:db8::2 nud failed')],
    code: 'NoNeighbour',
    state: 'doubtful',
  },
];

const tunnels: readonly Case[] = [
  {
    name: 'the tunnel has no neighbour',
    way: 'far',
    breaks: [
      ip(
        'node',
        'neighbour del 10.244.3.0 dev k8ts-vxlan',
        'neighbour replace 10.244.3.0 lladdr 02:00:00:00:03:00 dev k8ts-vxlan nud permanent',
      ),
    ],
    code: 'TunnelEntryMissing',
    says: /no neighbour entry for 10\.244\.3\.0/,
  },
  {
    name: 'the tunnel does not know the machine',
    way: 'far',
    breaks: [
      [
        'node',
        'bridge fdb del 02:00:00:00:03:00 dev k8ts-vxlan dst 198.51.100.2',
        'bridge fdb append 02:00:00:00:03:00 dev k8ts-vxlan dst 198.51.100.2',
      ],
    ],
    code: 'TunnelEntryMissing',
    says: /no forwarding entry for 02:00:00:00:03:00/,
  },
  {
    name: 'no tunnel',
    way: 'fromFar',
    breaks: [
      ['node', 'true', 'bridge fdb append 02:00:00:00:03:00 dev k8ts-vxlan dst 198.51.100.2'],
      back('node', 'route replace 10.244.3.0/24 via 10.244.3.0 dev k8ts-vxlan onlink'),
      back('node', 'neighbour replace 10.244.3.0 lladdr 02:00:00:00:03:00 dev k8ts-vxlan nud permanent'),
      back('node', 'link set k8ts-vxlan up'),
      ip(
        'node',
        'link del k8ts-vxlan',
        'link add k8ts-vxlan mtu 1450 address 02:00:00:00:01:00 type vxlan id 84 dstport 8472 local 192.0.2.1 nolearning',
      ),
    ],
    code: 'TunnelMissing',
  },
  {
    name: "a rule drops the tunnel's packet at its sender",
    way: 'far',
    breaks: [added('iptables', 'OUTPUT -p udp --dport 8472 -j DROP')],
    code: 'ForeignRule',
    says: /the tunnel's own packet is dropped.*filter OUTPUT:1/,
  },
  {
    name: "a rule drops the tunnel's packet at its receiver",
    way: 'fromFar',
    breaks: [added('iptables', 'INPUT -i eth0 -p udp --dport 8472 -j DROP')],
    code: 'ForeignRule',
    says: /the tunnel's own packet is dropped.*filter INPUT:1/,
  },
  {
    name: 'the tunnel takes packets that do not fit',
    way: 'far',
    breaks: [linkSet('node', 'k8ts-vxlan', 'mtu 1500', 'mtu 1450')],
    code: 'MtuTooLarge',
    state: 'doubtful',
    remedy: /ip link set k8ts-vxlan mtu 1450/,
  },
];

/** A link of the pod that leads nowhere, such as a VPN makes. */
const tunIn = (pod: 'a' | 'b'): Case['breaks'] => [
  ip(pod, 'tuntap add dev tun9 mode tun', 'link del tun9'),
  [pod, 'ip address add 10.99.0.1/32 dev tun9', 'true'],
  [pod, 'ip link set tun9 up', 'true'],
];
const defaultOf = (pod: 'a' | 'b', route: string) =>
  ip(pod, `route replace default ${route}`, 'route replace default via 10.244.1.1 dev eth0 onlink');

const insidePods: readonly Case[] = [
  {
    name: 'a route of the pod that sends leads over another link',
    way: 'pods',
    given: tunIn('a'),
    breaks: [ip('a', 'route add 10.244.1.6/32 dev tun9', 'route del 10.244.1.6/32')],
    code: 'WrongWay',
    state: 'doubtful',
    says: /^pod shop\/a sends what goes to 10\.244\.1\.6 out by tun9, not by eth0/,
  },
  {
    name: 'a route of the pod that sends drops',
    way: 'pods',
    breaks: [ip('a', 'route add blackhole 10.244.1.6', 'route del blackhole 10.244.1.6')],
    code: 'NoRoute',
    says: /^pod shop\/a has a route that drops it/,
  },
  {
    name: 'the gateway of the pod is another pod',
    way: 'near',
    breaks: [defaultOf('a', 'via 10.244.1.6 dev eth0 onlink')],
    code: 'WrongWay',
    state: 'doubtful',
    says: /the gateway of pod shop\/a is 10\.244\.1\.6, an address of pod shop\/b; cni0 of the node has 10\.244\.1\.1$/,
    remedy: /ip route replace default via 10\.244\.1\.1 dev eth0 onlink$/,
  },
  {
    name: 'the gateway of the pod is no machine',
    way: 'near',
    breaks: [defaultOf('a', 'via 10.244.1.77 dev eth0 onlink')],
    code: 'WrongWay',
    state: 'doubtful',
    says: /10\.244\.1\.77, an address of no pod and no link of this node/,
  },
  {
    name: 'the route of the pod gives a source that is not its own',
    way: 'near',
    given: [ip('a', 'address add 10.244.9.9/32 dev lo', 'address del 10.244.9.9/32 dev lo')],
    breaks: [defaultOf('a', 'via 10.244.1.1 dev eth0 onlink src 10.244.9.9')],
    code: 'SourceNotOfPod',
    says: /gives its packets the source 10\.244\.9\.9/,
  },
  {
    name: 'the pod has a wrong link address for its gateway',
    way: 'near',
    breaks: [
      ip(
        'a',
        `neighbour replace 10.244.1.1 lladdr ${noMac} dev eth0 nud permanent`,
        'neighbour del 10.244.1.1 dev eth0',
      ),
    ],
    code: 'WrongNeighbour',
    state: 'doubtful',
    says: /^pod shop\/a sends frames for its gateway 10\.244\.1\.1 to 02:00:00:00:99:99, a link address that no link/,
    remedy: /ip neighbour del 10\.244\.1\.1 dev eth0$/,
  },
  {
    name: 'rp_filter of the pod that gets it',
    way: 'pods',
    given: [...tunIn('b'), sysctl('net.ipv4.conf.eth0.rp_filter', 1, 0, 'b')],
    breaks: [ip('b', 'route add 10.244.1.5/32 dev tun9', 'route del 10.244.1.5/32')],
    code: 'ReversePathFilter',
    says: /^pod shop\/b drops what comes from 10\.244\.1\.5 by eth0: its way back is by tun9/,
  },
];

testCases('faults of links, neighbours, tunnels and pods', [...linksAndNeighbours, ...tunnels, ...insidePods]);
