import t from 'tap';
import type { EndpointSlice, Node, Pod, Service } from '../../controlplane/api';
import { objectKey } from '../../controlplane/api/types';
import { parseCidr } from '../../controlplane/base/cidr';
import { ownAddresses } from '../../dataplane/link/own-addresses';
import { addressesOfHostPod, addressesOfService, refusedByName, refusedEndpoint, type Surroundings } from './reach';
import { addressesInHosts, resolveWith } from './resolve';

const node: Node = {
  metadata: { name: 'n1' },
  spec: { podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.168.57.11' },
      { type: 'ExternalIP', address: '203.0.113.7' },
      { type: 'Hostname', address: 'n1' },
    ],
  },
};
const hostPod = (namespace: string, ports: number[], phase = 'Running'): Pod => ({
  metadata: { namespace, name: 'h' },
  spec: { hostNetwork: true, containers: [{ name: 'c', ports: ports.map((containerPort) => ({ containerPort })) }] },
  status: { phase, hostIP: '192.168.57.11', podIPs: [{ ip: '192.168.57.11' }] },
});
const slice = (name: string, address: string, port: number): EndpointSlice => ({
  metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: '', port }],
  endpoints: [{ addresses: [address] }],
});
const service = (name: string, clusterIP: string): Service => ({
  metadata: { namespace: 'shop', name },
  spec: { clusterIP, clusterIPs: [clusterIP], externalIPs: ['198.51.100.1'] },
  status: { loadBalancer: { ingress: [{ ip: '192.168.57.200' }] } },
});

function around(pods: Pod[] = [], services: Service[] = [], slices: EndpointSlice[] = []): Surroundings {
  return {
    nodes: () => [node],
    ownAddresses: () => ['172.17.0.1'],
    hostPods: (address) => pods.filter((pod) => addressesOfHostPod(pod).includes(address)),
    servicesAt: (address) => services.filter((one) => addressesOfService(one).includes(address)),
    slices: (key) => slices.filter((one) => objectKey(one) === key),
    refusedRanges: [parseCidr('100.100.0.0/16')],
  };
}

void t.test('endpoints at a node need a pod of their namespace there, and no port of the node itself', async (t) => {
  const cases: { name: string; pods?: Pod[]; address: string; port: number; why?: RegExp }[] = [
    { name: 'a pod', address: '10.244.1.5', port: 8080 },
    { name: 'a server elsewhere', address: '198.51.100.9', port: 80 },
    { name: 'loopback', address: '127.0.0.1', port: 10249, why: /^loopback$/ },
    { name: 'mapped loopback', address: '::ffff:127.0.0.1', port: 10249, why: /^loopback$/ },
    { name: 'no address at all', address: 'localhost', port: 80, why: /not an IP address/ },
    { name: 'the node', address: '192.168.57.11', port: 8080, why: /node-local/ },
    { name: 'the node, mapped', address: '::ffff:192.168.57.11', port: 8080, why: /node-local/ },
    { name: 'its public address', address: '203.0.113.7', port: 8080, why: /node-local/ },
    { name: 'the gateway of its pods', address: '10.244.1.1', port: 10250, why: /node-local/ },
    { name: 'the same in IPv6', address: 'fd00:1:0:0::1', port: 10250, why: /node-local/ },
    { name: 'another link of this machine', address: '172.17.0.1', port: 80, why: /node-local/ },
    { name: 'hostNetwork', pods: [hostPod('shop', [8080])], address: '192.168.57.11', port: 8080 },
    { name: 'hostNetwork, port not declared', pods: [hostPod('shop', [])], address: '192.168.57.11', port: 9999 },
    {
      name: 'hostNetwork elsewhere',
      pods: [hostPod('kube-system', [8080])],
      address: '192.168.57.11',
      port: 8080,
      why: /node-local/,
    },
    {
      name: 'hostNetwork, ended',
      pods: [hostPod('shop', [8080], 'Failed')],
      address: '192.168.57.11',
      port: 8080,
      why: /node-local/,
    },
    { name: 'excluded by the administrator', address: '100.100.100.200', port: 80, why: /--refused-backends/ },
  ];
  for (const { name, pods, address, port, why } of cases) {
    const reason = refusedEndpoint(around(pods), 'shop', address, port);
    if (why) t.match(reason, why, name);
    else t.equal(reason, undefined, name);
  }
  for (const port of [53, 2379, 6443, 10_248, 10_249, 10_250, 10_256, 10_257, 10_258, 10_259]) {
    t.match(refusedEndpoint(around([hostPod('shop', [8080])]), 'shop', '192.168.57.11', port), /node-local/, `${port}`);
    t.equal(
      refusedEndpoint(around([hostPod('shop', [port])]), 'shop', '192.168.57.11', port),
      undefined,
      `own ${port}`,
    );
  }
});

void t.test('an address from a name has no namespace: pods must declare the port', async (t) => {
  const pods = [hostPod('monitoring', [9100])];
  t.equal(refusedByName(around(pods), '192.168.57.11', 9100), undefined);
  t.match(refusedByName(around(pods), '192.168.57.11', 9101), /node-local/);
  t.match(refusedByName(around(), '192.168.57.11', 80), /node-local/);
  t.match(refusedByName(around(), '169.254.169.254', 80), /link-local/);
  t.equal(refusedByName(around(), '10.96.0.7', 80), undefined);
});

void t.test('the address of a Service is allowed if its endpoints are', async (t) => {
  const services = [service('good', '10.96.0.7'), service('bad', '10.96.0.8')];
  const slices = [slice('good', '10.244.1.5', 8080), slice('bad', '127.0.0.1', 10249)];
  t.equal(refusedByName(around([], services.slice(0, 1), slices), '10.96.0.7', 80), undefined);
  for (const address of ['10.96.0.8', '198.51.100.1', '192.168.57.200']) {
    t.match(
      refusedByName(around([], services, slices), address, 80),
      /shop\/bad has endpoint 127.0.0.1:10249/,
      address,
    );
    t.match(refusedEndpoint(around([], services, slices), 'shop', address, 80), /loopback/, address);
  }
  const circle = [slice('good', '10.96.0.8', 80), slice('bad', '10.96.0.7', 80)];
  t.equal(refusedByName(around([], services, circle), '10.96.0.7', 80), undefined, 'a circle ends');
});

void t.test(
  'the DNS server of the cluster resolves its names; hosts file and servers of the node resolve all others',
  async (t) => {
    const asked: string[] = [];
    const ask = (who: string) => async (name: string) => {
      asked.push(`${who} ${name}`);
      return [{ address: '10.0.0.1', ttlSeconds: 1 }];
    };
    const hosts = async () => '# 1.2.3.4 shop.example\n10.9.9.9\tShop.Example other # x\nnonsense shop.example\n';
    const resolve = resolveWith({ clusterDomain: 'cluster.local', cluster: ask('cluster'), node: ask('node'), hosts });
    for (const name of ['web.t.svc.cluster.local', 'cluster.local', 'xcluster.local', 'example.org'])
      await resolve(name);
    t.same(asked, [
      'cluster web.t.svc.cluster.local',
      'cluster cluster.local',
      'node xcluster.local',
      'node example.org',
    ]);
    t.same(await resolve('shop.example'), [{ address: '10.9.9.9', ttlSeconds: 10 }]);
    t.same(addressesInHosts('::1 ip6-loopback\n127.0.0.1 ip6-loopback', 'ip6-loopback').length, 2);
  },
);

void t.test('the addresses of this machine are listed again after a moment', async (t) => {
  let now = 0;
  let listings = 0;
  const own = ownAddresses(
    () => [`10.0.0.${++listings}`],
    () => now,
  );
  own();
  now = 999;
  t.same(own(), ['10.0.0.1']);
  now = 1_000;
  t.same(own(), ['10.0.0.2']);
});
