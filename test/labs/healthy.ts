// Ways on which nothing is wrong: `k8ts path` must say so.
import type { Cluster } from '../e2e/cluster';
import {
  addressOf,
  externalName,
  far,
  ingress,
  inNode,
  inside,
  type Lab,
  near,
  nodeIp,
  nodePortOf,
  pod,
  policy,
  service,
  serving,
  sleeping,
  space,
  vpn,
} from './lab';

const client = `${space}/client`;
const remote = `${space}/client-far`;

const healthy = (name: string, from: string, to: Lab['to'], more: Partial<Lab> = {}): Lab => ({
  name: `healthy-${name}`,
  fault: '',
  from,
  to,
  ...more,
});

const loadBalancer = (name: string) => async (cluster: Cluster) =>
  `${(await cluster.kubectl('get', 'service', '-n', space, name, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}')).trim()}:80`;
const nodePort = (name: string, node: string) => async (cluster: Cluster) =>
  `${nodeIp(cluster, node)}:${await nodePortOf(cluster, name)}`;
const podAt = (name: string, port: number) => async (cluster: Cluster) => `${await addressOf(cluster, name)}:${port}`;

/** The only server of busybox that waits for UDP. */
const udpServer = [
  'sh',
  '-c',
  'printf "interface eth0\\nstart 10.0.0.1\\nend 10.0.0.2\\nlease_file /tmp/l\\npidfile /tmp/p\\n" > /tmp/c; touch /tmp/l; exec busybox udhcpd -f /tmp/c',
];

const objects: readonly object[] = [
  service('public', { app: 'web' }, {}, { type: 'LoadBalancer' }),
  service('public-local', { app: 'web' }, {}, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
  service('sticky', { app: 'web' }, {}, { sessionAffinity: 'ClientIP' }),
  service('headless', { app: 'web' }, {}, { clusterIP: 'None' }),
  service('named', { app: 'web' }, { name: 'web', targetPort: 'http' }),
  service('close', { app: 'web' }, {}, { internalTrafficPolicy: 'Local' }),
  service('udp', { app: 'udp' }, { port: 67, targetPort: 67, protocol: 'UDP' }),
  pod('udp', udpServer, { node: far }),
  pod('friend', sleeping, { node: near, labels: { app: 'friend', role: 'friend' } }),
  pod('few-dots', sleeping, { spec: { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } } }),
  pod('on-node', sleeping, { node: near, spec: { hostNetwork: true } }),
  pod('with-host-net', sleeping, {
    node: near,
    spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
  }),
  pod('secured', serving(), { node: far }),
  service('secured', { app: 'secured' }),
  policy(
    'secured',
    { app: 'secured' },
    { ingress: [{ from: [{ podSelector: { matchLabels: { role: 'friend' } } }], ports: [{ port: 8080 }] }] },
  ),
  policy(
    'friend',
    { app: 'friend' },
    {
      policyTypes: ['Egress'],
      egress: [
        { to: [{ podSelector: { matchLabels: { app: 'secured' } } }] },
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
      ],
    },
  ),
  pod('closed', sleeping, { node: near }),
  policy('closed', { app: 'closed' }, { policyTypes: ['Ingress'] }),
  ingress('good', 'good.labs'),
  ingress('deep', 'deep.labs', { path: '/api', pathType: 'Prefix' }),
  externalName('alias', `web.${space}.svc.cluster.local`, { ports: [{ port: 80 }] }),
];
const via = (cluster: Cluster): readonly string[] => ['--connect-to', nodeIp(cluster, far)];

export const healthyLabs: readonly Lab[] = [
  healthy('service', client, 'svc/web', { objects }),
  healthy('service-same-node', client, 'svc/near'),
  healthy('service-other-node', client, 'svc/far'),
  healthy('service-other-direction', remote, 'svc/near'),
  healthy('service-to-itself', `${space}/web-near`, 'svc/near'),
  healthy('service-named-port', client, 'svc/named:web'),
  healthy('service-sticky', client, 'svc/sticky'),
  healthy('service-local', client, 'svc/close'),
  healthy('service-udp', client, 'svc/udp'),
  healthy('headless', client, 'svc/headless'),
  healthy('kubernetes', client, 'svc/default/kubernetes'),
  healthy('kubernetes-far', remote, 'svc/default/kubernetes:443'),
  healthy('dns-udp', client, '10.96.0.10:53/udp'),
  healthy('dns-tcp', remote, 'svc/kube-system/kube-dns:dns-tcp'),
  healthy('name-short', client, 'web:80'),
  healthy('name-namespace', client, `web.${space}:80`),
  healthy('name-full', client, `web.${space}.svc.cluster.local:80`),
  healthy('name-absolute', client, `web.${space}.svc.cluster.local.:80`),
  healthy('name-ndots', `${space}/few-dots`, `web.${space}:80`),
  healthy('name-host-network', `${space}/with-host-net`, 'web:80'),
  healthy('name-headless', remote, 'headless:8080'),
  healthy('name-alias', client, 'alias:80'),
  healthy('name-of-pod', client, async (cluster) => {
    const dashed = (await addressOf(cluster, 'web-far')).replaceAll('.', '-');
    return `${dashed}.${space}.pod.cluster.local:8080`;
  }),
  healthy('name-by-tcp', `${space}/dns-by-tcp`, 'web:80'),
  healthy('pod', client, 'pod/web-far:8080'),
  healthy('pod-same-node', client, 'pod/web-near:8080'),
  healthy('pod-address', remote, podAt('web-near', 8080)),
  healthy('pod-icmp', client, async (cluster) => addressOf(cluster, 'web-far')),
  healthy('pod-itself', `${space}/web-near`, podAt('web-near', 8080)),
  healthy('node-to-service', `node/${near}`, 'svc/far'),
  healthy('control-to-service', 'node/control', 'svc/web'),
  healthy('node-to-pod', `node/${far}`, 'pod/web-near:8080'),
  healthy('host-network', `${space}/on-node`, 'svc/web'),
  healthy('pod-to-kubelet', client, async (cluster) => `${nodeIp(cluster, far)}:10250`),
  healthy('pod-to-node-icmp', client, async (cluster) => nodeIp(cluster, far)),
  healthy('node-port', 'outside', nodePort('public', near)),
  healthy('node-port-other', 'outside', nodePort('public', 'control')),
  healthy('node-port-from-pod', client, nodePort('public', far)),
  healthy('load-balancer', 'outside', loadBalancer('public')),
  healthy('load-balancer-local', 'outside', loadBalancer('public-local')),
  healthy('load-balancer-from-pod', remote, loadBalancer('public')),
  healthy('policy-allowed', `${space}/friend`, 'svc/secured'),
  // The client of this way may get no connection itself: answers are no new connections.
  healthy('policy-answers', `${space}/closed`, 'svc/web'),
  healthy('policy-allowed-name', `${space}/friend`, 'secured:80'),
  healthy('ingress', 'outside', 'http://good.labs/', { options: via }),
  healthy('ingress-path', 'outside', 'http://deep.labs/api/x?y=1', { options: via }),
  healthy('ingress-from-pod', client, 'http://good.labs/', { options: via }),
  healthy('foreign-rules-beside', client, 'svc/far', {
    breaks: inNode(
      far,
      ['iptables', '-I', 'FORWARD', '1', '-s', '203.0.113.0/24', '-j', 'DROP'],
      ['iptables', '-D', 'FORWARD', '-s', '203.0.113.0/24', '-j', 'DROP'],
    ),
  }),
  healthy('docker-forward-drop', client, 'svc/far', {
    breaks: inNode(far, ['iptables', '-P', 'FORWARD', 'DROP'], ['iptables', '-P', 'FORWARD', 'ACCEPT']),
  }),
  healthy('pod-rules-beside', client, 'svc/far', {
    breaks: inside(
      'web-far',
      far,
      ['iptables -A INPUT -p tcp --dport 8080 -j ACCEPT', 'iptables -A INPUT -p tcp --dport 9999 -j DROP'],
      ['iptables -F INPUT'],
    ),
  }),
  healthy('vpn-beside', client, 'svc/far', {
    breaks: inside('client', near, [...vpn, 'ip route add 203.0.113.0/24 dev tun0'], ['ip link del tun0']),
  }),
  // TCP asks the other end how much it takes.
  healthy('small-mtu-at-receiver', client, 'svc/far', {
    breaks: inside('web-far', far, ['ip link set eth0 mtu 1280'], ['ip link set eth0 mtu 1500']),
  }),
];
