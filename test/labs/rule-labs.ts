// Rules of other programs on a node: they drop, refuse, translate or mark packets.
import { addressOf, clusterIpOf, far, inNode, type Lab, near, space } from './lab';

const client = `${space}/client`;
const tcp80 = ['-p', 'tcp', '--dport', '80'];
const drop = (...match: string[]) =>
  inNode(
    far,
    ['iptables', '-I', 'FORWARD', '1', ...match, '-j', 'DROP'],
    ['iptables', '-D', 'FORWARD', ...match, '-j', 'DROP'],
  );

const chance = (how: '-I' | '-D'): readonly string[] =>
  `iptables ${how} FORWARD -p tcp --dport 8080 --syn -m statistic --mode random --probability 0.5 -j DROP`.split(' ');

export const ruleLabs: readonly Lab[] = [
  {
    name: 'foreign-drop-iptables',
    fault: 'a rule of another program in iptables drops it',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /dport 8080/,
    breaks: drop('-p', 'tcp', '-m', 'tcp', '--dport', '8080'),
  },
  {
    name: 'foreign-drop-nftables',
    fault: 'a table of another program in nftables drops it',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /inet firewall/,
    breaks: inNode(
      far,
      [
        'nft',
        'add table inet firewall; add chain inet firewall forward { type filter hook forward priority 0; }; add rule inet firewall forward tcp dport 8080 drop',
      ],
      ['nft', 'delete table inet firewall'],
    ),
  },
  {
    name: 'foreign-reject-input',
    fault: 'a firewall of the node refuses DNS of its pods',
    from: client,
    to: 'web:80',
    codes: ['ForeignRule'],
    breaks: inNode(
      near,
      ['iptables', '-I', 'INPUT', '1', '-p', 'udp', '--dport', '53', '-j', 'REJECT'],
      ['iptables', '-D', 'INPUT', '-p', 'udp', '--dport', '53', '-j', 'REJECT'],
    ),
  },
  {
    name: 'foreign-nat',
    fault: 'a rule of another program translates the address of the Service',
    from: client,
    to: 'svc/far',
    codes: ['ForeignNat'],
    says: /10\.9\.9\.9/,
    breaks: async (cluster) => {
      const rule = [
        'PREROUTING',
        '-d',
        `${await clusterIpOf(cluster, 'far')}/32`,
        '-p',
        'tcp',
        '-j',
        'DNAT',
        '--to-destination',
        '10.9.9.9:80',
      ];
      await cluster.inNode(near, 'iptables', '-t', 'nat', '-I', ...rule);
      return () => cluster.inNode(near, 'iptables', '-t', 'nat', '-D', ...rule);
    },
  },
  {
    name: 'docker-raw-rules',
    fault: 'a rule as Docker writes them in table raw drops what does not come from its bridge',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /raw PREROUTING/,
    breaks: async (cluster) => {
      const rule = [
        'PREROUTING',
        '-d',
        `${await addressOf(cluster, 'web-far')}/32`,
        '!',
        '-i',
        'docker0',
        '-j',
        'DROP',
      ];
      await cluster.inNode(far, 'iptables', '-t', 'raw', '-A', ...rule);
      return () => cluster.inNode(far, 'iptables', '-t', 'raw', '-D', ...rule);
    },
  },
  {
    name: 'notrack',
    fault: 'a rule in table raw exempts DNS from connection tracking, so nothing translates it',
    from: client,
    to: 'web:80',
    codes: ['DnsDown'],
    says: /NOTRACK/,
    breaks: inNode(
      near,
      ['iptables', '-t', 'raw', '-I', 'PREROUTING', '-p', 'udp', '--dport', '53', '-j', 'NOTRACK'],
      ['iptables', '-t', 'raw', '-D', 'PREROUTING', '-p', 'udp', '--dport', '53', '-j', 'NOTRACK'],
    ),
  },
  {
    name: 'rule-by-length',
    fault: 'a rule of another program drops packets by their length, behind one that logs some',
    from: client,
    to: 'svc/far',
    codes: ['UnreadRule'],
    says: /length/,
    breaks: async (cluster) => {
      const log = ['FORWARD', '-m', 'limit', '--limit', '5/min', '-j', 'LOG'];
      const rule = ['FORWARD', '-p', 'tcp', '-m', 'length', '--length', '40:80', '-j', 'DROP'];
      await cluster.inNode(far, 'iptables', '-I', ...rule);
      await cluster.inNode(far, 'iptables', '-I', ...log);
      return async () => {
        await cluster.inNode(far, 'iptables', '-D', ...rule);
        await cluster.inNode(far, 'iptables', '-D', ...log);
      };
    },
  },
  {
    name: 'rule-by-chance',
    fault: 'a rule of another program drops half of the packets, by chance',
    from: client,
    to: 'svc/far',
    // A probe may be the one that is dropped.
    codes: ['LostByChance', 'ForeignRule', 'UnreadRule'],
    says: /--mode random/,
    breaks: inNode(far, chance('-I'), chance('-D')),
  },
  {
    name: 'foreign-mark-refused',
    fault: 'a rule of another program gives the packets a mark by which kube-proxy refuses them',
    from: client,
    to: 'svc/far',
    codes: ['ForeignMark'],
    says: /mangle PREROUTING/,
    breaks: inNode(
      near,
      ['iptables', '-t', 'mangle', '-A', 'PREROUTING', ...tcp80, '-j', 'MARK', '--set-mark', '0x2000'],
      ['iptables', '-t', 'mangle', '-D', 'PREROUTING', ...tcp80, '-j', 'MARK', '--set-mark', '0x2000'],
    ),
  },
  {
    name: 'foreign-mark-routed',
    fault: 'a rule of another program marks the packets, and policy routing sends marked ones to another machine',
    from: client,
    to: 'svc/far',
    codes: ['WrongWay'],
    says: /by the mark 0x7, which mangle PREROUTING:\d+ has set/,
    breaks: async (cluster) => {
      const mark = ['PREROUTING', ...tcp80, '-j', 'MARK', '--set-mark', '7'];
      const rule = ['fwmark', '7', 'lookup', '77'];
      await cluster.inNode(near, 'iptables', '-t', 'mangle', '-A', ...mark);
      await cluster.inNode(near, 'ip', 'route', 'add', 'default', 'via', cluster.plan.gateway, 'table', '77');
      await cluster.inNode(near, 'ip', 'rule', 'add', ...rule);
      return async () => {
        await cluster.inNode(near, 'ip', 'rule', 'del', ...rule);
        await cluster.inNode(near, 'ip', 'route', 'flush', 'table', '77');
        await cluster.inNode(near, 'iptables', '-t', 'mangle', '-D', ...mark);
      };
    },
  },
  {
    name: 'foreign-nat-at-receiver',
    fault: 'a rule of another program on the node of the server translates the port of its pods',
    from: client,
    to: 'svc/far',
    codes: ['ForeignNat'],
    says: /nat PREROUTING:\d+.*9090/s,
    breaks: inNode(
      far,
      [
        'iptables',
        '-t',
        'nat',
        '-I',
        'PREROUTING',
        '-p',
        'tcp',
        '--dport',
        '8080',
        '-j',
        'REDIRECT',
        '--to-ports',
        '9090',
      ],
      [
        'iptables',
        '-t',
        'nat',
        '-D',
        'PREROUTING',
        '-p',
        'tcp',
        '--dport',
        '8080',
        '-j',
        'REDIRECT',
        '--to-ports',
        '9090',
      ],
    ),
  },
  {
    name: 'drop-by-multiport',
    fault: 'a rule of another program for several ports drops it',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /multiport/,
    breaks: drop('-p', 'tcp', '-m', 'multiport', '--dports', '25,8000:8999'),
  },
  {
    name: 'foreign-snat',
    fault: 'a rule of another program changes the source of what the client sends',
    from: client,
    to: 'svc/far',
    codes: ['ForeignNat'],
    says: /gives the packet the source 203\.0\.113\.9/,
    breaks: async (cluster) => {
      const rule = [
        'POSTROUTING',
        '-s',
        await addressOf(cluster, 'client'),
        '-p',
        'tcp',
        '-j',
        'SNAT',
        '--to-source',
        '203.0.113.9',
      ];
      await cluster.inNode(near, 'iptables', '-t', 'nat', '-I', ...rule);
      return () => cluster.inNode(near, 'iptables', '-t', 'nat', '-D', ...rule);
    },
  },
  {
    name: 'answer-dropped',
    fault: 'a rule of another program drops the answers only',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /sport 8080.*answer/s,
    breaks: drop('-p', 'tcp', '-m', 'tcp', '--sport', '8080'),
  },
];
