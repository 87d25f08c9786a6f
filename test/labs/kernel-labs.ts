// Faults in the kernel of a node: routes, neighbours, addresses, links, settings.
import { addressOf, clusterIpOf, far, inNode, inPod, type Lab, near, nodeIp, portOf, space } from './lab';

const client = `${space}/client`;

export const kernelLabs: readonly Lab[] = [
  {
    name: 'policy-routing',
    fault: 'a rule of policy routing sends what pods of the node send to another machine',
    from: client,
    to: 'svc/far',
    codes: ['WrongWay'],
    says: /worker-1/,
    breaks: async (cluster) => {
      const rule = ['from', await addressOf(cluster, 'client'), 'lookup', '77'];
      await cluster.inNode(near, 'ip', 'route', 'add', 'default', 'via', cluster.plan.gateway, 'table', '77');
      await cluster.inNode(near, 'ip', 'rule', 'add', ...rule);
      return async () => {
        await cluster.inNode(near, 'ip', 'rule', 'del', ...rule);
        await cluster.inNode(near, 'ip', 'route', 'flush', 'table', '77');
      };
    },
  },
  {
    name: 'address-of-pod-at-its-node',
    fault: 'the node of the server has the address of its pod itself',
    from: client,
    to: 'svc/far',
    codes: ['DuplicateAddress'],
    breaks: async (cluster) => {
      const address = [`${await addressOf(cluster, 'web-far')}/32`, 'dev', 'lo'];
      await cluster.inNode(far, 'ip', 'address', 'add', ...address);
      return () => cluster.inNode(far, 'ip', 'address', 'del', ...address);
    },
  },
  {
    name: 'routing-by-port',
    fault: 'a rule of policy routing refuses the port of the pod',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    says: /by protocol or port/,
    breaks: inNode(
      far,
      ['ip', 'rule', 'add', 'ipproto', 'tcp', 'dport', '8080', 'prohibit'],
      ['ip', 'rule', 'del', 'ipproto', 'tcp', 'dport', '8080', 'prohibit'],
    ),
  },
  {
    name: 'ipsec-blocks',
    fault: 'a policy of IPsec blocks what goes to the pod',
    from: client,
    to: 'svc/far',
    codes: ['XfrmBlocks'],
    breaks: async (cluster) => {
      const ends = ['src', '0.0.0.0/0', 'dst', await addressOf(cluster, 'web-far'), 'dir', 'out'];
      await cluster.inNode(near, 'ip', 'xfrm', 'policy', 'add', ...ends, 'action', 'block');
      return () => cluster.inNode(near, 'ip', 'xfrm', 'policy', 'delete', ...ends);
    },
  },
  {
    name: 'arp-ignored',
    fault: 'a hardening script lets the bridge of the pods answer no ARP',
    from: client,
    to: 'svc/far',
    codes: ['NoNeighbour'],
    says: /arp_ignore/,
    breaks: async (cluster) => {
      await cluster.inNode(near, 'sysctl', '-qw', 'net.ipv4.conf.cni0.arp_ignore=8');
      const run = await inPod(cluster, 'client', near);
      await run('ip', 'neighbour', 'flush', 'all');
      return () => cluster.inNode(near, 'sysctl', '-qw', 'net.ipv4.conf.cni0.arp_ignore=0');
    },
  },
  {
    name: 'arp-ignored-in-pod',
    fault: 'a setting in the pod of the server: it answers no ARP',
    from: client,
    to: 'svc/far',
    codes: ['NoNeighbour'],
    says: /on cni0/,
    breaks: async (cluster) => {
      const run = await inPod(cluster, 'web-far', far);
      await run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=8');
      await cluster.inNode(far, 'ip', 'neighbour', 'flush', 'all');
      return () => run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0');
    },
  },
  {
    name: 'route-prohibited',
    fault: 'policy routing of the node refuses the range of the other node',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    breaks: async (cluster) => {
      const rule = ['to', `${await addressOf(cluster, 'web-far')}/32`, 'prohibit', 'pref', '100'];
      await cluster.inNode(near, 'ip', 'rule', 'add', ...rule);
      return () => cluster.inNode(near, 'ip', 'rule', 'del', ...rule);
    },
  },
  {
    name: 'route-blackhole',
    fault: 'a blackhole route of another program covers the address of the pod',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    breaks: async (cluster) => {
      const route = ['blackhole', `${await addressOf(cluster, 'web-far')}/32`];
      await cluster.inNode(near, 'ip', 'route', 'add', ...route);
      return () => cluster.inNode(near, 'ip', 'route', 'del', ...route);
    },
  },
  {
    name: 'route-missing-in-pod',
    fault: 'the pod has lost its default route',
    from: client,
    to: 'svc/far',
    codes: ['NoRoute'],
    says: /pod labs\/client/,
    breaks: async (cluster) => {
      const inside = await inPod(cluster, 'client', near);
      const [gateway = ''] = (await inside('ip', 'route', 'show', 'default')).match(/\d+\.\d+\.\d+\.\d+/) ?? [];
      await inside('ip', 'route', 'del', 'default');
      return () => inside('ip', 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0', 'onlink');
    },
  },
  {
    name: 'rp-filter',
    fault: 'strict rp_filter, and the way back to the sender is another one',
    from: client,
    to: 'svc/far',
    codes: ['ReversePathFilter'],
    breaks: async (cluster) => {
      const sender = await addressOf(cluster, 'client');
      const all = (await cluster.inNode(far, 'sysctl', '-n', 'net.ipv4.conf.eth0.rp_filter')).trim();
      await cluster.inNode(far, 'ip', 'link', 'add', 'lab0', 'type', 'veth', 'peer', 'name', 'lab1');
      await cluster.inNode(far, 'ip', 'address', 'add', '10.99.0.1/24', 'dev', 'lab0');
      await cluster.inNode(far, 'ip', 'link', 'set', 'lab0', 'up');
      await cluster.inNode(far, 'ip', 'link', 'set', 'lab1', 'up');
      await cluster.inNode(far, 'ip', 'route', 'add', `${sender}/32`, 'dev', 'lab0');
      await cluster.inNode(far, 'sysctl', '-qw', 'net.ipv4.conf.eth0.rp_filter=1');
      return async () => {
        await cluster.inNode(far, 'sysctl', '-qw', `net.ipv4.conf.eth0.rp_filter=${all}`);
        await cluster.inNode(far, 'ip', 'link', 'del', 'lab0');
      };
    },
  },
  {
    name: 'forwarding-off',
    fault: 'a hardening script has switched ip_forward off',
    from: client,
    to: 'svc/far',
    codes: ['ForwardingOff'],
    breaks: inNode(far, ['sysctl', '-qw', 'net.ipv4.ip_forward=0'], ['sysctl', '-qw', 'net.ipv4.ip_forward=1']),
  },
  {
    name: 'neighbour-stale',
    fault: 'a node has a wrong link address for another node',
    from: client,
    to: 'svc/far',
    codes: ['WrongNeighbour'],
    breaks: async (cluster) => {
      const entry = [nodeIp(cluster, far), 'dev', 'eth0'];
      await cluster.inNode(
        near,
        'ip',
        'neighbour',
        'replace',
        ...entry,
        'lladdr',
        '02:00:00:00:00:99',
        'nud',
        'permanent',
      );
      return () => cluster.inNode(near, 'ip', 'neighbour', 'del', ...entry);
    },
  },
  {
    name: 'pod-neighbour-stale',
    fault: 'a node has a wrong link address for its pod',
    from: client,
    to: 'svc/far',
    codes: ['WrongNeighbour'],
    breaks: async (cluster) => {
      const entry = [await addressOf(cluster, 'web-far'), 'dev', 'cni0'];
      await cluster.inNode(
        far,
        'ip',
        'neighbour',
        'replace',
        ...entry,
        'lladdr',
        '02:00:00:00:00:98',
        'nud',
        'permanent',
      );
      return () => cluster.inNode(far, 'ip', 'neighbour', 'del', ...entry);
    },
  },
  {
    name: 'duplicate-address',
    fault: 'the node of the client has the address of the pod itself',
    from: client,
    to: 'svc/far',
    codes: ['DuplicateAddress'],
    breaks: async (cluster) => {
      const address = [`${await addressOf(cluster, 'web-far')}/32`, 'dev', 'lo'];
      await cluster.inNode(near, 'ip', 'address', 'add', ...address);
      return () => cluster.inNode(near, 'ip', 'address', 'del', ...address);
    },
  },
  {
    name: 'pod-link-down',
    fault: 'the interface inside the pod is down',
    from: client,
    to: 'svc/far',
    codes: ['LinkDown', 'AddressMissing'],
    breaks: async (cluster) => {
      const inside = await inPod(cluster, 'web-far', far);
      const routes = (await inside('ip', 'route')).trim().split('\n');
      await inside('ip', 'link', 'set', 'eth0', 'down');
      return async () => {
        await inside('ip', 'link', 'set', 'eth0', 'up');
        // The kernel has removed them with the link; those without a gateway come first.
        const direct = (route: string) => Number(route.includes(' via '));
        for (const route of routes.sort((a, b) => direct(a) - direct(b)))
          await inside('ip', 'route', 'replace', ...route.trim().split(' '));
      };
    },
  },
  {
    name: 'hairpin-off',
    fault: 'a pod uses its own Service, br_netfilter is on, and its port has no hairpin',
    from: `${space}/web-near`,
    to: 'svc/near',
    codes: ['HairpinOff'],
    breaks: async (cluster) => {
      const port = await portOf(cluster, 'web-near');
      await cluster.inNode(near, 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1');
      await cluster.inNode(near, 'bridge', 'link', 'set', 'dev', port, 'hairpin', 'off');
      return async () => {
        await cluster.inNode(near, 'bridge', 'link', 'set', 'dev', port, 'hairpin', 'on');
        await cluster.inNode(near, 'sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0');
      };
    },
  },
  {
    name: 'node-cut-off',
    fault: 'the link of the other node is down',
    from: client,
    to: 'svc/far',
    codes: ['NodeDown', 'NodeSilent', 'NoNeighbour'],
    breaks: async (cluster) => {
      await cluster.inNode(far, 'ip', 'link', 'set', 'eth0', 'down');
      return async () => {
        await cluster.inNode(far, 'ip', 'link', 'set', 'eth0', 'up');
        await cluster.inNode(far, 'ip', 'route', 'replace', 'default', 'via', cluster.plan.gateway);
      };
    },
  },
  {
    name: 'stale-udp-flow',
    fault: 'connection tracking sends an old UDP flow to a pod that is gone',
    from: client,
    to: 'svc/udp',
    codes: ['StaleFlow'],
    says: /10\.244\.1\.251/,
    breaks: async (cluster) => {
      const [from, to] = [await addressOf(cluster, 'client'), await clusterIpOf(cluster, 'udp')];
      const question = ['-s', from, '-d', to, '--sport', '5000', '--dport', '67'];
      const answer = ['-r', '10.244.1.251', '-q', from, '--reply-port-src', '67', '--reply-port-dst', '5000'];
      await cluster.inNode(
        near,
        'conntrack',
        '-I',
        '-p',
        'udp',
        ...question,
        ...answer,
        '-t',
        '60',
        '-u',
        'SEEN_REPLY',
      );
      return () => cluster.inNode(near, 'conntrack', '-D', '-p', 'udp', '-s', from, '-d', to);
    },
  },
];
