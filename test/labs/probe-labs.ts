// Faults that no table shows: only packets tell.
import { far, inNode, inPod, type Lab, near, pidOf, pod, portOf, service, serving, space } from './lab';

const client = `${space}/client`;

export const probeLabs: readonly Lab[] = [
  {
    name: 'backend-resets',
    fault: 'the program accepts connections and resets them',
    from: client,
    to: 'http://far/',
    codes: ['Reset'],
    breaks: async (cluster) => {
      const inside = await inPod(cluster, 'web-far', far);
      const rule = [
        'INPUT',
        '-p',
        'tcp',
        '--dport',
        '8080',
        '-m',
        'conntrack',
        '--ctstate',
        'ESTABLISHED',
        '-m',
        'length',
        '--length',
        '60:',
        '-j',
        'REJECT',
        '--reject-with',
        'tcp-reset',
      ];
      await inside('iptables', '-A', ...rule);
      return () => inside('iptables', '-F', 'INPUT');
    },
  },
  {
    name: 'server-speaks-tls',
    fault: 'the client speaks HTTP, the server TLS',
    from: client,
    to: 'http://kubernetes.default.svc.cluster.local:443/',
    codes: ['Closed', 'ProbeFailed'],
    says: /TLS/,
  },
  {
    name: 'slow-accept',
    fault: 'the program has stopped accepting, and its queue is full',
    from: client,
    to: 'svc/slow-accept',
    codes: ['SlowAccept', 'NoAnswer'],
    objects: [service('slow-accept', { app: 'slow-accept' }), pod('slow-accept', serving(), { node: far })],
    breaks: async (cluster) => {
      const inside = await inPod(cluster, 'slow-accept', far);
      process.kill(Number(await pidOf(cluster, 'main', 'slow-accept', far)), 'SIGSTOP');
      const connect = 'timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/8080; sleep 15" > /dev/null 2>&1 &';
      await inside('bash', '-c', `for i in $(seq 40); do ${connect} done; sleep 1`);
      return () => cluster.kubectl('delete', 'pod', '-n', space, 'slow-accept', '--grace-period=0', '--force');
    },
  },
  {
    name: 'dropped-at-the-link',
    fault: 'an ingress hook of nftables drops it before all other rules',
    from: client,
    to: 'svc/far',
    codes: ['LostInNode'],
    says: /eth0 of node worker-2/,
    breaks: inNode(
      far,
      [
        'nft',
        'add table netdev labs; add chain netdev labs in { type filter hook ingress device eth0 priority 0; }; add rule netdev labs in tcp dport 8080 drop',
      ],
      ['nft', 'delete table netdev labs'],
    ),
  },
  {
    name: 'dropped-before-the-pod',
    fault: 'an egress hook at the link of the pod drops it',
    from: client,
    to: 'svc/far',
    codes: ['LostInNode'],
    says: /the link of the pod/,
    breaks: async (cluster) => {
      const port = await portOf(cluster, 'web-far');
      const words = `add table netdev labs; add chain netdev labs out { type filter hook egress device ${port} priority 0; }; add rule netdev labs out tcp dport 8080 drop`;
      await cluster.inNode(far, 'nft', words);
      return () => cluster.inNode(far, 'nft', 'delete table netdev labs');
    },
  },
  {
    name: 'answer-dropped-at-the-link',
    fault: 'an ingress hook of nftables drops the answers only',
    from: client,
    to: 'svc/far',
    codes: ['AnswerLost'],
    says: /eth0 of node worker-1/,
    breaks: inNode(
      near,
      [
        'nft',
        'add table netdev labs; add chain netdev labs in { type filter hook ingress device eth0 priority 0; }; add rule netdev labs in tcp sport 8080 drop',
      ],
      ['nft', 'delete table netdev labs'],
    ),
  },
  {
    name: 'mtu-black-hole',
    fault: 'a link takes smaller packets than the others, and says nothing',
    from: client,
    to: 'svc/far',
    codes: ['MtuBlackHole'],
    says: /1300/,
    breaks: inNode(far, ['ip', 'link', 'set', 'eth0', 'mtu', '1300'], ['ip', 'link', 'set', 'eth0', 'mtu', '1500']),
  },
];
