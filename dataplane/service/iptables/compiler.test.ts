// The compiler as a whole: golden rules for every feature, no dependence on order, small changes for small causes.
import t from 'tap';
import { brokenJumps } from '../../../test/lib/broken-jumps';
import { endpoint, randomCluster, seededRandom, service, servicePort } from '../../../test/lib/service-fixture';
import { keepSnapshots } from '../../../test/lib/snapshots';
import { maxChainName } from '../../netfilter/names';
import { ruleSetOf } from '../../netfilter/plan';
import type { NodeFacts, ServiceInput } from '../input';
import { renderPlan, ServiceCompiler } from './compiler';

keepSnapshots(t, __filename);

const facts: NodeFacts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const here = endpoint('10.244.1.5', 8080, { local: true });
const there = endpoint('10.244.2.9', 8080);
const web = (changes: Partial<ServiceInput> = {}) =>
  service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints: [there, here] })], ...changes });

function compile(services: readonly ServiceInput[], nodeFacts = facts, family: 4 | 6 = 4): string {
  const compiler = new ServiceCompiler(family, nodeFacts);
  for (const one of services) compiler.set(one.key, one);
  return renderPlan(compiler.take().plan);
}

const withPort = (changes: Partial<ReturnType<typeof servicePort>>) => [
  servicePort({ endpoints: [there, here], ...changes }),
];

const cases: readonly {
  readonly name: string;
  readonly services: readonly ServiceInput[];
  readonly facts?: NodeFacts;
}[] = [
  { name: 'no Service', services: [] },
  { name: 'no Service, pod range of the node not known', services: [], facts: { clusterCidr: '10.244.0.0/16' } },
  { name: 'ClusterIP', services: [web()] },
  { name: 'no endpoints', services: [web({ ports: [servicePort()] })] },
  {
    name: 'only terminating endpoints that serve',
    services: [
      web({
        ports: withPort({
          endpoints: [
            { ...here, ready: false, terminating: true },
            { ...there, ready: false, serving: false, terminating: true },
          ],
        }),
      }),
    ],
  },
  { name: 'NodePort', services: [web({ ports: withPort({ nodePort: 30080 }) })] },
  {
    name: 'NodePort, pod range of the node not known',
    services: [web({ ports: withPort({ nodePort: 30080 }) })],
    facts: { clusterCidr: '10.244.0.0/16' },
  },
  { name: 'NodePort, policy Local', services: [web({ externalLocal: true, ports: withPort({ nodePort: 30080 }) })] },
  {
    name: 'NodePort, policy Local, no local endpoints',
    services: [web({ externalLocal: true, ports: withPort({ nodePort: 30080, endpoints: [there] }) })],
  },
  {
    name: 'NodePort on chosen addresses',
    services: [web({ ports: withPort({ nodePort: 30080 }) })],
    facts: { ...facts, nodePortAddresses: ['192.168.57.11/32', '192.168.58.0/24'] },
  },
  { name: 'the range of ClusterIPs is known', services: [web()], facts: { ...facts, serviceCidrs: ['10.96.0.0/12'] } },
  {
    name: 'host ports of a pod',
    services: [
      {
        key: 'pod/shop/web-0',
        externalIps: [],
        loadBalancerIps: [],
        internalLocal: false,
        externalLocal: false,
        ports: [
          servicePort({ port: 8080, hostPort: 8443, endpoints: [here] }),
          servicePort({
            name: 'dns',
            protocol: 'udp',
            port: 8053,
            hostPort: 53,
            hostIp: '192.168.57.11',
            endpoints: [here],
          }),
        ],
      },
    ],
  },
  {
    name: 'hints assign one endpoint to other nodes',
    services: [web({ ports: withPort({ endpoints: [here, { ...there, elsewhere: true }] }) })],
  },
  { name: 'internal policy Local', services: [web({ internalLocal: true })] },
  {
    name: 'internal policy Local, no local endpoints',
    services: [web({ internalLocal: true, ports: withPort({ endpoints: [there] }) })],
  },
  { name: 'session affinity', services: [web({ affinitySeconds: 10800 })] },
  {
    name: 'LoadBalancer with source ranges, external address, health check',
    services: [
      web({
        loadBalancerIps: ['192.168.57.240'],
        sourceRanges: ['203.0.113.0/24', '198.51.100.0/24'],
        externalIps: ['203.0.113.9', '192.168.57.240'],
        externalLocal: true,
        healthCheckPort: 31000,
        ports: withPort({ nodePort: 30080 }),
      }),
    ],
  },
  {
    name: 'source range of all addresses',
    services: [web({ loadBalancerIps: ['192.168.57.240'], sourceRanges: ['0.0.0.0/0'] })],
  },
  {
    name: 'DNS: one port over UDP and TCP',
    services: [
      service('kube-system/kube-dns', '10.96.0.10', {
        internalLocal: true,
        ports: (['udp', 'tcp'] as const).map((protocol) =>
          servicePort({
            name: protocol === 'udp' ? 'dns' : 'dns-tcp',
            protocol,
            port: 53,
            endpoints: [endpoint('192.168.57.11', 53, { local: true }), endpoint('192.168.57.12', 53)],
          }),
        ),
      }),
    ],
  },
];

for (const { name, services, facts: nodeFacts } of cases) {
  t.test(name, (t) => {
    t.matchSnapshot(compile(services, nodeFacts), 'rules');
    t.end();
  });
}

t.test('IPv6', (t) => {
  const six = service('shop/web', 'fd00:96::7', {
    affinitySeconds: 600,
    ports: [
      servicePort({
        nodePort: 30080,
        endpoints: [endpoint('fd00:244:1::5', 8080, { local: true }), endpoint('fd00:244:2::9', 8080)],
      }),
    ],
  });
  t.matchSnapshot(compile([six], { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64' }, 6), 'rules');
  t.end();
});

t.test('random clusters: sound, and the same after changes in any order', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const services = randomCluster(seededRandom(seed), 120);
    const straight = compile(services);
    const compiler = new ServiceCompiler(4, { clusterCidr: '10.9.0.0/16' });
    const random = seededRandom(seed + 100);
    for (const one of [...services].reverse()) compiler.set(one.key, one);
    for (const one of services) if (random() < 0.5) compiler.set(one.key, undefined);
    compiler.take();
    compiler.set('never/there', undefined);
    for (const one of services) compiler.set(one.key, random() < 0.5 ? { ...one, ports: [] } : one);
    compiler.setFacts(facts);
    for (const one of services) compiler.set(one.key, one);
    const { plan } = compiler.take();
    t.equal(renderPlan(plan), straight, `seed ${seed}`);
    t.same(brokenJumps(ruleSetOf(plan)), []);
    const chains = [...plan.nat.keys(), ...plan.filter.keys()];
    t.same(
      chains.filter((chain) => chain.length > maxChainName),
      [],
    );
    const entered = new Set(
      [...plan.nat.values(), ...plan.filter.values()].flatMap((text) =>
        [...text.matchAll(/ -j (K8TS-\S+)/g)].map((found) => found[1]),
      ),
    );
    const roots = new Set([
      'K8TS-CANARY',
      'K8TS-SERVICES',
      'K8TS-POSTROUTING',
      'K8TS-INPUT',
      'K8TS-FORWARD',
      'K8TS-OUTPUT',
    ]);
    t.same(
      chains.filter((chain) => !entered.has(chain) && !roots.has(chain)),
      [],
      'every chain is reachable',
    );
    const unsigned = [...plan.nat.values(), ...plan.filter.values()]
      .join('')
      .split('\n')
      .filter((line) => line !== '' && !line.includes('--comment'));
    t.same(unsigned, [], 'every rule has a comment');
    for (const one of services) compiler.set(one.key, undefined);
    t.equal(renderPlan(compiler.take().plan), compile([]), 'no rule is left');
  }
  t.end();
});

t.test('an unchanged Service is not dirty, and a changed Service touches its own chains and its group', (t) => {
  const services = randomCluster(seededRandom(42), 400);
  const compiler = new ServiceCompiler(4, facts);
  for (const one of services) compiler.set(one.key, one);
  compiler.take();
  for (const one of services) compiler.set(one.key, one);
  compiler.setFacts({ ...facts });
  const idle = compiler.take().dirty;
  t.same([...idle.nat, ...idle.filter], []);

  compiler.set('shop/web', web());
  const added = [...compiler.take().dirty.nat];
  t.ok(added.length <= 6, added.join(' '));
  compiler.set('shop/web', web({ ports: withPort({ endpoints: [there] }) }));
  const endpointGone = [...compiler.take().dirty.nat];
  t.ok(
    endpointGone.every((chain) => chain.startsWith('K8TS-SVC-') || chain.startsWith('K8TS-H')),
    endpointGone.join(' '),
  );
  t.end();
});
