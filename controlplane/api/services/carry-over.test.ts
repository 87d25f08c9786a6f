// Which fields an update of a Service keeps and drops, in upstream's order: allocated values stay, clusterIP and clusterIPs are
// made equal, then fields that the new type does not use are dropped.
import t from 'tap';
import { carryOver } from './carry-over';
import type { ServiceSpec } from './types';

interface Case {
  readonly name: string;
  readonly old: ServiceSpec;
  readonly update: ServiceSpec;
  readonly want: ServiceSpec;
}
const port = (nodePort?: number, name?: string, number = 80) => ({
  port: number,
  protocol: 'TCP',
  ...(name ? { name } : {}),
  ...(nodePort ? { nodePort } : {}),
});
const ip = { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] };
const cluster = { type: 'ClusterIP', ...ip };
const nodePort = { type: 'NodePort', externalTrafficPolicy: 'Cluster', ...ip, ports: [port(30080)] };
const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ...ip, healthCheckNodePort: 31000 };

const cases: readonly Case[] = [
  {
    name: 'addresses stay although the writer leaves them out',
    old: cluster,
    update: { type: 'ClusterIP' },
    want: cluster,
  },
  {
    name: 'an ExternalName that becomes a ClusterIP has no address to keep',
    old: { type: 'ExternalName', externalName: 'a.b' },
    update: { type: 'ClusterIP' },
    want: { type: 'ClusterIP' },
  },
  {
    name: 'a node port stays with the name of its port, whatever its number is now',
    old: { ...nodePort, ports: [port(30080, 'web'), port(30443, 'tls', 443)] },
    update: { ...nodePort, ports: [port(0, 'tls', 8443), port(0, 'web', 8080)] },
    want: { ...nodePort, ports: [port(30443, 'tls', 8443), port(30080, 'web', 8080)] },
  },
  {
    name: 'a node port that the writer gives to another port is not used twice',
    old: { ...nodePort, ports: [port(30080, 'web'), port(30443, 'tls', 443)] },
    update: { ...nodePort, ports: [port(0, 'web'), port(30080, 'tls', 443)] },
    want: { ...nodePort, ports: [port(0, 'web'), port(30080, 'tls', 443)] },
  },
  {
    name: 'TCP and UDP that share a number both keep it',
    old: { ...nodePort, ports: [port(30053, 'tcp', 53), { ...port(30053, 'udp', 53), protocol: 'UDP' }] },
    update: { ...nodePort, ports: [port(0, 'tcp', 53), { ...port(0, 'udp', 53), protocol: 'UDP' }] },
    want: { ...nodePort, ports: [port(30053, 'tcp', 53), { ...port(30053, 'udp', 53), protocol: 'UDP' }] },
  },
  {
    name: 'NodePort to LoadBalancer without allocation keeps the existing node port',
    old: nodePort,
    update: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [port()] },
    want: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
  },
  {
    name: 'allocateLoadBalancerNodePorts=false removes no node port',
    old: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: true },
    update: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
    want: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
  },
  {
    name: 'the health check port stays',
    old: local,
    update: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
    want: local,
  },
  {
    name: 'policy Cluster has no health check port',
    old: local,
    update: { ...local, externalTrafficPolicy: 'Cluster' },
    want: { type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', ...ip },
  },
  {
    name: 'a new health check port at policy Cluster is left for validation',
    old: local,
    update: { ...local, externalTrafficPolicy: 'Cluster', healthCheckNodePort: 31001 },
    want: { ...local, externalTrafficPolicy: 'Cluster', healthCheckNodePort: 31001 },
  },
  {
    name: 'NodePort to ClusterIP drops node ports and the external policy',
    old: nodePort,
    update: { ...nodePort, type: 'ClusterIP' },
    want: { ...cluster, ports: [port()] },
  },
  {
    name: 'a new node port on the way to ClusterIP is left for validation, and the others with it',
    old: { ...nodePort, ports: [port(30080, 'a'), port(30443, 'b', 443)] },
    update: { ...nodePort, type: 'ClusterIP', ports: [port(30080, 'a'), port(30444, 'b', 443)] },
    want: { ...cluster, ports: [port(30080, 'a'), port(30444, 'b', 443)] },
  },
  {
    name: 'external IPs keep the external policy',
    old: { ...nodePort, externalIPs: ['203.0.113.1'] },
    update: { ...nodePort, type: 'ClusterIP', externalIPs: ['203.0.113.1'] },
    want: {
      ...cluster,
      externalTrafficPolicy: 'Cluster',
      externalIPs: ['203.0.113.1'],
      ports: [port()],
    },
  },
  {
    name: 'LoadBalancer to NodePort drops class and allocation',
    old: { ...nodePort, type: 'LoadBalancer', allocateLoadBalancerNodePorts: true, loadBalancerClass: 'a/b' },
    update: { ...nodePort, allocateLoadBalancerNodePorts: true, loadBalancerClass: 'a/b' },
    want: nodePort,
  },
  {
    name: 'ExternalName drops addresses and families',
    old: { ...cluster, ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', internalTrafficPolicy: 'Cluster' },
    update: {
      ...cluster,
      type: 'ExternalName',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    want: { type: 'ExternalName' },
  },
  {
    name: 'another address on the way to ExternalName is left for validation',
    old: cluster,
    update: { type: 'ExternalName', clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] },
    want: { type: 'ExternalName', clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] },
  },
];

for (const { name, old, update, want } of cases) {
  t.test(name, async (t) => {
    const spec = structuredClone(update);
    const before = structuredClone(old);
    carryOver(spec, before);
    t.strictSame(spec, want);
    t.strictSame(before, old, 'the stored Service is unchanged');
    carryOver(spec, before);
    t.strictSame(spec, want, 'a second pass changes nothing');
  });
}
