// Services and EndpointSlices, as any program may have stored them, compiled to rule text. Every line is one rule that parses to
// itself, so no name or address can add a rule or make the kernel refuse all rules.
import { isIP } from 'node:net';
import t from 'tap';
import type { EndpointSlice, Service } from '../../controlplane/api';
import { parseRule } from '../../dataplane/netfilter/parse';
import { renderRule } from '../../dataplane/netfilter/render';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { NftCompiler } from '../../dataplane/service/nft/compiler';
import { tableOf } from '../../dataplane/service/nft/names';
import { renderTransaction } from '../../dataplane/service/nft/transaction';
import { fc, fuzz } from '../../test/lib/fuzz';
import { translateService } from './translate';

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24', serviceCidrs: ['10.96.0.0/12'] };
const here = { nodeName: 'control', zone: undefined };

/** Names that the API accepts. */
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
const ipv4 = fc.ipV4();
/** Text that some program accepts as an address, or that only looks like an address. */
const oddAddress = fc.oneof(
  ipv4,
  fc.ipV6(),
  fc.constantFrom(
    '',
    '010.0.0.1',
    '10.0.0.1 -j ACCEPT',
    '10.0.0.1\n-A K8TS-SERVICES -j ACCEPT',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
    '1',
    '__proto__',
  ),
);
const portNumber = fc.integer({ min: 1, max: 65_535 });
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const optional = { requiredKeys: [] };

const services = fc
  .record({
    namespace: label,
    name: label,
    clusterIp: oddAddress,
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
    external: fc.array(oddAddress, { maxLength: 3 }),
    balancers: fc.array(oddAddress, { maxLength: 3 }),
    ranges: fc.array(fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })), { maxLength: 3 }),
    policies: fc.record(
      {
        sessionAffinity: fc.constantFrom('None', 'ClientIP'),
        externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
        internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
        healthCheckNodePort: portNumber,
      },
      optional,
    ),
    ports: fc.uniqueArray(fc.record({ name: label, protocol, port: portNumber, nodePort: portNumber }), {
      maxLength: 4,
      selector: ({ name }) => name,
    }),
  })
  .map(({ namespace, name, clusterIp, type, external, balancers, ranges, policies, ports }) => ({
    metadata: { namespace, name },
    spec: {
      type,
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      externalIPs: external,
      loadBalancerSourceRanges: ranges.map(([address, bits]) => `${address}/${bits}`),
      ...policies,
      ports,
    },
    status: { loadBalancer: { ingress: balancers.map((ip) => ({ ip })) } },
  })) as unknown as fc.Arbitrary<Service>;

const endpoints = fc.array(
  fc.record({
    addresses: fc.array(oddAddress, { maxLength: 2 }),
    conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }, optional),
    nodeName: fc.constantFrom('control', 'worker-1'),
  }),
  { maxLength: 6 },
);
const clusters = fc.array(
  fc.tuple(services, endpoints, portNumber).map(([service, all, port]) => {
    const ports = (service.spec?.ports ?? []).map(({ name, protocol }) => ({ name, protocol, port }));
    const slices = ['IPv4', 'IPv6'].map((addressType) => ({ addressType, endpoints: all, ports }));
    return { service, slices: slices as unknown as EndpointSlice[] };
  }),
  { maxLength: 4 },
);

const translated = (cluster: { service: Service; slices: EndpointSlice[] }[], family: 4 | 6) =>
  cluster.flatMap(({ service, slices }) => translateService(service, slices, family, here) ?? []);

t.test('every line for iptables-restore is one rule', async (t) => {
  await fuzz(t, 'lines are rules', clusters, (cluster) => {
    for (const family of [4, 6] as const) {
      const compiler = new ServiceCompiler(family, facts);
      for (const one of translated(cluster, family)) compiler.set(one.key, one);
      const { plan } = compiler.take();
      for (const chains of Object.values(plan)) {
        for (const [chain, text] of chains) {
          for (const line of text.split('\n').slice(0, -1)) {
            const again = renderRule(chain, parseRule(line), family);
            if (again !== line) throw new Error(`${line} reads as ${again}`);
          }
        }
      }
    }
  });
});

t.test('every line for nft is one statement', async (t) => {
  const statement = /^(add|flush|delete|destroy) (table|chain|set|map|rule|element) (ip|ip6) k8ts\S*( [^\n]*)?$/;
  await fuzz(t, 'lines are statements', clusters, (cluster) => {
    for (const family of [4, 6] as const) {
      const compiler = new NftCompiler(family, facts);
      for (const one of translated(cluster, family)) compiler.set(one.key, one);
      const { plan, dirty } = compiler.take();
      for (const line of renderTransaction(tableOf(family), plan, dirty).trimEnd().split('\n')) {
        if (!statement.test(line)) throw new Error(`no statement: ${line}`);
        if ((line.match(/"/g) ?? []).length % 2 !== 0) throw new Error(`an open quote: ${line}`);
      }
    }
  });
});

t.test('every address is a valid address', async (t) => {
  await fuzz(t, 'translated', clusters, (cluster) => {
    for (const family of [4, 6] as const) {
      for (const { clusterIp, externalIps, loadBalancerIps, ports } of translated(cluster, family)) {
        const own = [clusterIp ?? '', ...externalIps, ...loadBalancerIps];
        const all = [...own, ...ports.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))];
        for (const address of all) {
          if (isIP(address) !== family || address.includes('%')) throw new Error(`${JSON.stringify(address)}`);
        }
      }
    }
  });
});
