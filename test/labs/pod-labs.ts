// Faults inside the network namespace of a pod: what a VPN, a service mesh, or a program with NET_ADMIN leaves there.
import { addressOf, clusterIpOf, far, inPod, inside, type Lab, near, space, vpn } from './lab';

const client = `${space}/client`;

/** The gateway of the pod; what sets the default route back. */
async function defaultRoute(run: (...argv: string[]) => Promise<string>) {
  const [gateway = ''] = (await run('ip', 'route', 'show', 'default')).match(/\d+\.\d+\.\d+\.\d+/) ?? [];
  return { gateway, back: () => run('ip', 'route', 'replace', 'default', 'via', gateway, 'dev', 'eth0', 'onlink') };
}

export const podLabs: readonly Lab[] = [
  {
    name: 'pod-own-firewall',
    fault: 'a rule inside the pod drops the connections',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /inside pod labs\/web-far.*iptables -t filter -D INPUT/s,
    breaks: inside('web-far', far, ['iptables -A INPUT -p tcp --dport 8080 -j DROP'], ['iptables -F INPUT']),
  },
  {
    name: 'client-own-firewall',
    fault: 'a rule inside the pod of the client drops what it sends',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /inside pod labs\/client: filter OUTPUT:1/,
    breaks: inside('client', near, ['iptables -A OUTPUT -p tcp --dport 80 -j DROP'], ['iptables -F OUTPUT']),
  },
  {
    name: 'client-own-firewall-dns',
    fault: 'a table of nftables inside the pod of the client drops its look-ups',
    from: client,
    to: 'web:80',
    codes: ['ForeignRule'],
    says: /inside pod labs\/client.*nft -a list chain inet own out/s,
    breaks: inside(
      'client',
      near,
      [
        'nft add table inet own',
        'nft add chain inet own out { type filter hook output priority 0; }',
        'nft add rule inet own out udp dport 53 drop',
      ],
      ['nft delete table inet own'],
    ),
  },
  {
    name: 'answers-dropped-in-pod',
    fault: 'a rule inside the pod of the server drops its answers',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /inside pod labs\/web-far: filter OUTPUT:1/,
    breaks: inside('web-far', far, ['iptables -A OUTPUT -p tcp --sport 8080 -j DROP'], ['iptables -F OUTPUT']),
  },
  {
    name: 'mesh-without-proxy',
    fault: 'rules of a service mesh send connections to a proxy that does not run',
    from: client,
    to: 'svc/far',
    codes: ['NothingListens'],
    says: /tcp port 15006 of pod labs\/web-far/,
    breaks: inside(
      'web-far',
      far,
      ['iptables -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 15006'],
      ['iptables -t nat -F PREROUTING'],
    ),
  },
  {
    name: 'local-ports-used-up',
    fault: 'the client has as many connections to the Service as ports',
    from: client,
    to: 'svc/far',
    codes: ['LocalPortsUsedUp'],
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'client', near);
      const [from, to] = (await run('sysctl', '-n', 'net.ipv4.ip_local_port_range')).trim().split(/\s+/);
      await run('sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40003');
      const connect = `timeout 60 bash -c "exec 3<>/dev/tcp/${await clusterIpOf(cluster, 'far')}/80; sleep 50" > /dev/null 2>&1 &`;
      await run('bash', '-c', `for i in 1 2 3 4; do ${connect} done; sleep 1`);
      return () => run('sysctl', '-qw', `net.ipv4.ip_local_port_range=${from} ${to}`);
    },
  },
  {
    name: 'ports-reserved',
    fault: 'all local ports of the pod are reserved, so it can open no connection',
    from: client,
    to: 'svc/far',
    codes: ['LocalPortsUsedUp'],
    says: /ip_local_reserved_ports/,
    breaks: inside(
      'client',
      near,
      ['sysctl -w net.ipv4.ip_local_reserved_ports=32768-60999'],
      ['sysctl -w net.ipv4.ip_local_reserved_ports='],
    ),
  },
  {
    name: 'routing-by-port-in-pod',
    fault: 'a rule of policy routing in the pod sends one port to a table with a blackhole',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    says: /pod labs\/client/,
    breaks: inside(
      'client',
      near,
      ['ip route add blackhole default table 77', 'ip rule add ipproto tcp dport 80 table 77 pref 90'],
      ['ip rule del pref 90', 'ip route flush table 77'],
    ),
  },
  {
    name: 'service-address-in-pod',
    fault: 'the client has the clusterIP of the Service on its own loopback',
    from: client,
    to: 'svc/far',
    codes: ['DuplicateAddress'],
    says: /pod labs\/client has 10\./,
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'client', near);
      const address = `${await clusterIpOf(cluster, 'far')}/32`;
      await run('ip', 'address', 'add', address, 'dev', 'lo');
      return () => run('ip', 'address', 'del', address, 'dev', 'lo');
    },
  },
  {
    name: 'small-ttl',
    fault: 'packets of the client begin with a TTL of one',
    from: client,
    to: 'svc/far',
    codes: ['TtlTooSmall'],
    breaks: inside('client', near, ['sysctl -qw net.ipv4.ip_default_ttl=1'], ['sysctl -qw net.ipv4.ip_default_ttl=64']),
  },
  {
    name: 'vpn-in-client',
    fault: 'a VPN in the pod of the client takes the range of Services',
    from: client,
    to: 'svc/far',
    codes: ['WrongWay'],
    says: /pod labs\/client sends what goes to .* out by tun0/,
    breaks: inside('client', near, [...vpn, 'ip route add 10.96.0.0/12 dev tun0'], ['ip link del tun0']),
  },
  {
    name: 'vpn-in-server',
    fault: 'a VPN in the pod of the server takes the answers',
    from: client,
    to: 'svc/far',
    codes: ['WrongWay'],
    says: /pod labs\/web-far sends what goes to .* out by tun0/,
    breaks: async (cluster) => {
      const route = `ip route add ${await addressOf(cluster, 'client')}/32 dev tun0`;
      return inside('web-far', far, [...vpn, route], ['ip link del tun0'])(cluster);
    },
  },
  {
    name: 'blackhole-in-pod',
    fault: 'a route in the pod of the client drops what goes to the Service',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    says: /pod labs\/client/,
    breaks: async (cluster) => {
      const route = `blackhole ${await clusterIpOf(cluster, 'far')}`;
      return inside('client', near, [`ip route add ${route}`], [`ip route del ${route}`])(cluster);
    },
  },
  {
    name: 'gateway-of-pod-gone',
    fault: 'the default route of the client leads to an address that no machine has',
    from: client,
    to: 'svc/far',
    codes: ['WrongWay'],
    says: /the gateway of pod labs\/client is .*, an address of no pod/,
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'client', near);
      const { gateway, back } = await defaultRoute(run);
      const other = gateway.replace(/\d+$/, '250');
      await run('ip', 'route', 'replace', 'default', 'via', other, 'dev', 'eth0', 'onlink');
      return back;
    },
  },
  {
    name: 'source-not-of-pod',
    fault: 'the default route of the client gives its packets the address of a VPN',
    from: client,
    to: 'svc/far',
    codes: ['SourceNotOfPod'],
    says: /the source 10\.99\.0\.1/,
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'client', near);
      const { gateway, back } = await defaultRoute(run);
      await run('ip', 'address', 'add', '10.99.0.1/32', 'dev', 'lo');
      await run('ip', 'route', 'replace', 'default', 'via', gateway, 'dev', 'eth0', 'onlink', 'src', '10.99.0.1');
      return async () => {
        await back();
        await run('ip', 'address', 'del', '10.99.0.1/32', 'dev', 'lo');
      };
    },
  },
  {
    name: 'gateway-neighbour-wrong',
    fault: 'the pod of the client has a wrong link address for its gateway',
    from: client,
    to: 'pod/web-far:8080',
    codes: ['WrongNeighbour'],
    says: /pod labs\/client sends frames for its gateway/,
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'client', near);
      const { gateway } = await defaultRoute(run);
      const entry = [gateway, 'dev', 'eth0'];
      await run('ip', 'neighbour', 'replace', ...entry, 'lladdr', '02:00:00:00:00:97', 'nud', 'permanent');
      return () => run('ip', 'neighbour', 'del', ...entry);
    },
  },
];
