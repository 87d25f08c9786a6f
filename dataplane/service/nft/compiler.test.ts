// The compiler and its transactions as a whole: golden text for every feature, no dependence on order, small changes for small
// causes.
import t from 'tap';
import {
  endpoint,
  randomCluster,
  randomHostPorts,
  seededRandom,
  service,
  servicePort,
} from '../../../test/lib/service-fixture';
import { keepSnapshots } from '../../../test/lib/snapshots';
import { Tracer } from '../../path/hooks';
import { NftEvaluator } from '../../path/nft/evaluator';
import { NftTables } from '../../path/nft/tables';
import type { NodeFacts, ServiceInput } from '../input';
import { NftCompiler } from './compiler';
import { countChanges, type NftPlan } from './model';
import { tableOf } from './names';
import { renderTransaction } from './transaction';

keepSnapshots(t, __filename);

const facts: NodeFacts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const here = endpoint('10.244.1.5', 8080, { local: true });
const there = endpoint('10.244.2.9', 8080);
const web = (changes: Partial<ServiceInput> = {}) =>
  service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints: [there, here] })], ...changes });
const withPort = (changes: Partial<ReturnType<typeof servicePort>>) => [
  servicePort({ endpoints: [there, here], ...changes }),
];

function compilerOf(services: readonly ServiceInput[], nodeFacts = facts, family: 4 | 6 = 4): NftCompiler {
  const compiler = new NftCompiler(family, nodeFacts);
  for (const one of services) compiler.set(one.key, one);
  return compiler;
}
function textOf(compiler: NftCompiler, family: 4 | 6 = 4): string {
  const { plan, dirty } = compiler.take();
  return renderTransaction(tableOf(family), plan, dirty);
}
/** The text that a change sends, without the text of an empty node. */
function added(services: readonly ServiceInput[], nodeFacts = facts, family: 4 | 6 = 4): string {
  const compiler = compilerOf([], nodeFacts, family);
  compiler.take();
  for (const one of services) compiler.set(one.key, one);
  return textOf(compiler, family);
}
const sorted = (plan: NftPlan) => [
  [...plan.chains].sort(([a], [b]) => (a < b ? -1 : 1)),
  [...plan.sets].sort(),
  [...plan.elements].map(([set, elements]) => [set, [...elements].sort()]),
];

const cases: readonly {
  readonly name: string;
  readonly services: readonly ServiceInput[];
  readonly facts?: NodeFacts;
}[] = [
  { name: 'ClusterIP', services: [web()] },
  { name: 'no endpoints', services: [web({ ports: [servicePort()] })] },
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
  { name: 'internal policy Local', services: [web({ internalLocal: true })] },
  { name: 'session affinity', services: [web({ affinitySeconds: 10800 })] },
  {
    name: 'LoadBalancer with source ranges and external address',
    services: [
      web({
        loadBalancerIps: ['192.168.57.240'],
        sourceRanges: ['203.0.113.0/24', '0.0.0.0/0'],
        externalIps: ['203.0.113.9'],
        ports: withPort({ protocol: 'udp' }),
      }),
    ],
  },
  { name: 'host ports', services: randomHostPorts(seededRandom(2), 3) },
];

t.test('an empty node, and chosen ranges', (t) => {
  t.matchSnapshot(textOf(compilerOf([])), 'IPv4');
  const six = { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64', serviceCidrs: ['fd00:96::/108'] };
  t.matchSnapshot(textOf(compilerOf([], { ...six, nodePortAddresses: ['fd00:1::/64'] }, 6), 6), 'IPv6');
  t.end();
});

for (const { name, services, facts: nodeFacts } of cases) {
  t.test(name, (t) => {
    t.matchSnapshot(added(services, nodeFacts), 'transaction');
    t.end();
  });
}

t.test('IPv6: addresses as the kernel prints them', (t) => {
  const six = service('shop/web', 'fd00:96::0:7', {
    affinitySeconds: 600,
    ports: [servicePort({ endpoints: [endpoint('fd00:244:1:0::5', 8080, { local: true })] })],
  });
  t.matchSnapshot(added([six], { clusterCidr: 'fd00:244::/32', podCidr: 'fd00:244:1::/64' }, 6), 'transaction');
  t.end();
});

t.test('random clusters: the same after changes in any order, every name exists, and nothing is left', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const services = [...randomCluster(seededRandom(seed), 120), ...randomHostPorts(seededRandom(seed), 10)];
    const straight = compilerOf(services).take().plan;
    const compiler = new NftCompiler(4, { clusterCidr: '10.9.0.0/16' });
    const random = seededRandom(seed + 100);
    for (const one of [...services].reverse()) compiler.set(one.key, one);
    for (const one of services) if (random() < 0.5) compiler.set(one.key, undefined);
    compiler.take();
    compiler.set('never/there', undefined);
    for (const one of services) compiler.set(one.key, random() < 0.5 ? { ...one, ports: [] } : one);
    compiler.setFacts(facts);
    for (const one of services) compiler.set(one.key, one);
    const { plan } = compiler.take();
    t.same(sorted(plan), sorted(straight), `seed ${seed}`);

    const text = [...plan.chains.values()].map(({ rules }) => rules).join('');
    const elements = [...plan.elements.values()].flatMap((set) => [...set.values()]).join('\n');
    const named = new Set([...`${text}${elements}`.matchAll(/(?:goto|jump) ([\w-]+)/g)].map(([, name]) => name!));
    t.same(
      [...named].filter((name) => !plan.chains.has(name)),
      [],
      'every verdict has its chain',
    );
    const reached = (name: string) => named.has(name) || plan.chains.get(name)?.hook !== undefined;
    t.same(
      [...plan.chains.keys()].filter((name) => !reached(name)),
      [],
      'every chain is reachable',
    );
    const asked = new Set([...text.matchAll(/@([\w-]+)/g)].map(([, name]) => name!));
    t.same(
      [...asked].filter((name) => !plan.sets.has(name)),
      [],
      'every set in a rule exists',
    );
    for (const one of services) compiler.set(one.key, undefined);
    t.same(sorted(compiler.take().plan), sorted(compilerOf([]).take().plan), 'nothing is left');
  }
  t.end();
});

t.test('unchanged Services are not sent; a change of one Service sends only its own elements', (t) => {
  const compiler = compilerOf(randomCluster(seededRandom(42), 400));
  compiler.take();
  for (const one of randomCluster(seededRandom(42), 400)) compiler.set(one.key, one);
  compiler.setFacts({ ...facts });
  t.equal(countChanges(compiler.take().dirty), 0);

  compiler.set('shop/web', web());
  t.equal(
    textOf(compiler),
    [
      'add table ip k8ts',
      'add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2 }',
      'add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080 }',
      'add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }',
      '',
    ].join('\n'),
  );
  compiler.set('shop/web', web({ ports: withPort({ endpoints: [there] }) }));
  t.equal(
    textOf(compiler),
    [
      'add table ip k8ts',
      'delete element ip k8ts services { 10.96.3.7 . 6 . 80 }',
      'delete element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0, 10.96.3.7 . 80 . 1 }',
      'add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-1 }',
      'add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.2.9 . 8080 }',
      '',
    ].join('\n'),
  );
  compiler.set('shop/web', undefined);
  t.notMatch(textOf(compiler), 'add element');
  t.end();
});

t.test('chains and sets are added before the rules that name them, and removed after', (t) => {
  const compiler = compilerOf([]);
  compiler.take();
  compiler.set('shop/web', web({ affinitySeconds: 600 }));
  const inOrder = (text: string, ...patterns: readonly RegExp[]) => {
    const at = patterns.map((pattern) => text.search(pattern));
    t.same(
      at,
      [...at].sort((a, b) => a - b),
      text,
    );
    t.notOk(at.includes(-1), text);
  };
  inOrder(textOf(compiler), /^add set/m, /^add chain/m, /^add rule/m, /^add element/m);
  compiler.set('shop/web', undefined);
  inOrder(textOf(compiler), /^delete element/m, /^flush chain/m, /^delete chain/m, /^delete set/m);
  t.end();
});

t.test('two owners of one address and port: the first by name, until its deletion', (t) => {
  const shared = (key: string, clusterIp: string, to: string) =>
    service(key, clusterIp, {
      loadBalancerIps: ['192.168.57.240'],
      ports: [servicePort({ name: '', endpoints: [endpoint(to, 80)] })],
    });
  const compiler = compilerOf([shared('b/b', '10.96.0.2', '10.244.2.2'), shared('a/a', '10.96.0.1', '10.244.2.1')]);
  const packet = {
    source: '198.51.100.7',
    destination: '192.168.57.240',
    protocol: 'tcp',
    destinationPort: 80,
    inInterface: 'eth0',
  };
  const tables = new NftTables();
  /** Each change as the kernel receives it: a transaction after the earlier ones. */
  const go = () => {
    const evaluators = tables.apply(textOf(compiler)).all.map((table) => new NftEvaluator(table));
    return new Tracer(evaluators).trace(packet, { localAddresses: new Set(), random: () => 0 }).destination;
  };
  t.equal(go(), '10.244.2.1');
  compiler.set('a/a', undefined);
  t.equal(go(), '10.244.2.2');
  compiler.set('a/a', shared('a/a', '10.96.0.1', '10.244.2.1'));
  t.equal(go(), '10.244.2.1');
  t.end();
});
