// From journeys to hops, with the rules that the compilers of this project write, and with those of other programs.
import t from 'tap';
import { endpoint, service, servicePort } from '../../test/lib/service-fixture';
import type { Packet, Surroundings } from '../path/packet';
import { tracerOfListings, tracerOfPlans } from '../path/tracers';
import { sourcesText } from '../pod-sources/text';
import { compilePolicies } from '../policy/compile';
import type { PodRecord, PolicyRecord } from '../policy/input';
import { renderUpdate } from '../policy/update';
import type { ServiceInput } from '../service/input';
import { ServiceCompiler } from '../service/iptables/compiler';
import { NftCompiler } from '../service/nft/compiler';
import { tableOf } from '../service/nft/names';
import { renderTransaction } from '../service/nft/transaction';
import { hookHop, stagesOf } from './rules';

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24', serviceCidrs: ['10.96.0.0/12'] };
const around: Surroundings = {
  localAddresses: new Set(['192.168.57.11', '10.244.1.1']),
  route: (destination) => (destination.startsWith('10.244.1.') ? 'cni0' : 'eth0'),
  masqueradeAs: () => '192.168.57.11',
  random: () => 0,
};
const packet: Packet = {
  source: '10.244.1.6',
  destination: '10.96.3.7',
  protocol: 'tcp',
  sourcePort: 40_000,
  destinationPort: 80,
  inInterface: 'cni0',
  frame: { port: 'veth0af40106', sourceMac: '0a:58:0a:f4:01:06' },
};

type Tracer = ReturnType<typeof tracerOfPlans>;

/** The hops of a packet; the last one has the fault. */
function hopsOf(tracer: Tracer, changes: Partial<Packet> = {}, packets: ReadonlyMap<string, number> = new Map()) {
  const given = { ...packet, ...changes };
  const journey = tracer.trace(given, around);
  const stages = stagesOf(journey.steps).filter((stage) => 'hook' in stage);
  return stages.map((stage, i) =>
    hookHop(stage, { packet: given, packets, ...(i === stages.length - 1 ? { end: journey } : {}) }),
  );
}

const ready = servicePort({ endpoints: [endpoint('10.244.2.9', 8080)] });
const far = servicePort({ nodePort: 30_081, endpoints: [endpoint('10.244.2.9', 8080)] });
const services: readonly ServiceInput[] = [
  service('shop/web', '10.96.3.7', { ports: [ready] }),
  service('shop/empty', '10.96.3.8'),
  service('shop/local', '10.96.3.9', { ports: [ready], internalLocal: true }),
  service('shop/ranged', '10.96.3.10', {
    ports: [far],
    loadBalancerIps: ['203.0.113.10'],
    sourceRanges: ['198.51.100.0/24'],
  } as Partial<ServiceInput>),
];

const modes: readonly (readonly [string, () => Tracer])[] = [
  [
    'iptables',
    () => {
      const compiler = new ServiceCompiler(4, facts);
      for (const one of services) compiler.set(one.key, one);
      return tracerOfPlans({ iptables: { family: 4, chains: compiler.take().plan } });
    },
  ],
  [
    'nftables',
    () => {
      const compiler = new NftCompiler(4, facts);
      for (const one of services) compiler.set(one.key, one);
      const { plan, dirty } = compiler.take();
      return tracerOfPlans({ nft: [renderTransaction(tableOf(4), plan, dirty)] });
    },
  ],
];

for (const [mode, open] of modes) {
  t.test(`${mode}: what kube-proxy does with packets`, async (t) => {
    const tracer = open();
    const translated = hopsOf(tracer).find(({ becomes }) => becomes !== undefined);
    t.match(translated, {
      name: 'prerouting',
      state: 'passes',
      becomes: { destination: '10.244.2.9', destinationPort: 8080, sourcePort: 40_000 },
    });
    t.ok(translated?.rules?.some(({ objects }) => objects.includes('Service shop/web:http')));
    t.ok(translated?.rules?.every(({ writer }) => writer?.startsWith('kube-proxy of k8ts')));
    const fault = (changes: Partial<Packet>) => hopsOf(tracer, changes).at(-1)?.fault;
    // nftables keeps these in maps, whose elements show no comment.
    const or = (code: string) => (mode === 'iptables' ? code : new RegExp(`^(${code}|ServiceRefuses)$`));
    t.match(fault({ destination: '10.96.3.8' })?.remedy, 'kubectl get endpointslices -n shop');
    t.match(fault({ destination: '10.96.3.8' })?.code, or('NoEndpoints'));
    t.match(fault({ destination: '10.96.3.9' })?.code, or('NoLocalEndpoints'));
    t.match(fault({ destinationPort: 81 })?.code, or('NoSuchPort'));
    t.match(fault({ destinationPort: 81 })?.message, mode === 'iptables' ? 'Service shop/web' : 'no such port');
    t.equal(fault({ destination: '10.96.77.7' })?.code, 'NoSuchService');
    const outside = { source: '192.0.2.9', inInterface: 'eth0', frame: undefined } as unknown as Partial<Packet>;
    t.match(fault({ ...outside, destination: '203.0.113.10' })?.code, or('SourceRange'));
  });
}

const pod = (name: string, address: string): PodRecord => ({
  key: `shop/${name}`,
  namespace: 'shop',
  labels: { app: name },
  addresses: [address],
  local: true,
  ports: [],
  ending: false,
});

function policyFault(policies: readonly PolicyRecord[], changes: Partial<Packet> = {}) {
  const compiled = compilePolicies({
    families: [4],
    podRanges: ['10.244.1.0/24'],
    namespaces: [{ name: 'shop', labels: {} }],
    servers: [],
    pods: [pod('client', '10.244.1.6'), pod('web', '10.244.1.7')],
    policies,
  })!;
  const tracer = tracerOfPlans({ nft: [renderUpdate(undefined, compiled)] });
  return hopsOf(tracer, { destination: '10.244.1.7', destinationPort: 8080, ...changes }).at(-1)?.fault;
}
const isolate = (key: string, direction: 'ingress' | 'egress', app: string): PolicyRecord => ({
  key,
  namespace: 'shop',
  pods: [{ key: 'app', operator: 'In', values: [app] }],
  [direction]: [],
});

t.test('policies', async (t) => {
  const egress = policyFault([isolate('shop/deny', 'egress', 'client')]);
  t.match(egress, { code: 'EgressPolicy', message: /^NetworkPolicy shop\/deny does not allow it: the sender/ });
  t.equal(egress?.remedy, 'kubectl edit networkpolicy -n shop deny');
  const ingress = policyFault([isolate('shop/deny', 'ingress', 'web'), isolate('shop/strict', 'ingress', 'web')]);
  t.match(ingress, { code: 'IngressPolicy', message: /^NetworkPolicies shop\/deny, shop\/strict do not allow it/ });
  const named = policyFault([isolate('shop/no-egress', 'ingress', 'web')]);
  t.equal(named?.code, 'IngressPolicy', 'a name says nothing of the direction');
  const unknown = policyFault([isolate('shop/deny', 'egress', 'client')], { source: '10.244.1.99' });
  t.match(unknown, { code: 'PolicyUnknownPod', remedy: /kube-proxy/ });
  t.equal(policyFault([isolate('shop/deny', 'egress', 'web')]), undefined);
});

t.test("the kubelet's check of sources", async (t) => {
  const ports = [{ link: 'veth0af40106', mac: '0a:58:0a:f4:01:06', addresses: ['10.244.1.6'] }];
  const tracer = tracerOfPlans({ nft: [sourcesText(ports, { targets: true, tunnelPort: 8472 })] });
  t.equal(hopsOf(tracer).at(-1)?.fault, undefined);
  t.match(hopsOf(tracer, { source: '10.244.1.7' }), [
    { name: 'bridge prerouting', state: 'stops', fault: { code: 'SourceNotOfPod' } },
  ]);
});

const dump = (...rules: string[]) =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');

t.test('rules of other programs: the program, the command that takes the rule away, and counts', async (t) => {
  const iptables = (...rules: string[]) => tracerOfListings({ iptables: [{ family: 4, dump: dump(...rules) }] });
  const toNode = { destination: '192.168.57.11' };
  const jump = iptables(':DOCKER-USER - [0:0]', '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -d 10.96.3.7/32 -j DROP');
  const counts = new Map([
    ['iptables filter DOCKER-USER:1', 7],
    ['ip6tables filter FORWARD:1', 9],
  ]);
  t.match(hopsOf(jump, {}, counts).at(-1), {
    name: 'forward',
    rules: [
      { place: 'filter FORWARD:1', verdict: 'jump' },
      { place: 'filter DOCKER-USER:1', packets: 7 },
    ],
    fault: {
      code: 'ForeignRule',
      message: /^dropped without an answer by a rule of an administrator/,
      remedy: /iptables -t filter -D DOCKER-USER -d 10\.96\.3\.7\/32/,
    },
  });
  t.notOk(hopsOf(jump, {}, counts).at(-1)?.rules?.[0]?.packets);
  t.match(hopsOf(iptables('-A INPUT -p tcp -j REJECT --reject-with tcp-reset'), toNode).at(-1)?.fault, {
    message: /^refused with tcp-reset by a rule of another program: filter INPUT:1/,
  });
  const policy = tracerOfListings({ iptables: [{ family: 4, dump: dump().replace('INPUT ACCEPT', 'INPUT DROP') }] });
  t.match(hopsOf(policy, toNode).at(-1)?.fault, { code: 'ForeignRule', remedy: /-P INPUT ACCEPT$/ });
  const six = tracerOfListings({ iptables: [{ family: 6, dump: dump('-A FORWARD -j DROP') }] });
  const packet6 = { source: 'fd00::1', destination: 'fd00::2' };
  t.match(hopsOf(six, packet6, counts).at(-1), {
    rules: [{ packets: 9 }],
    fault: { remedy: /ip6tables -t filter -D FORWARD -j DROP$/ },
  });
  const nft = tracerOfListings({
    nft: 'table inet firewalld {\n\tchain guard {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\ttcp dport 80 drop\n\t}\n}\n',
  });
  t.match(hopsOf(nft, {}, new Map([['nft inet firewalld guard:1', 3]])).at(-1), {
    rules: [{ packets: 3, writer: 'firewalld' }],
    fault: {
      message: /by a rule of firewalld: inet firewalld guard:1/,
      remedy: /nft delete rule inet firewalld guard handle HANDLE/,
    },
  });
});

t.test('an answer: connection tracking restores the addresses', async (t) => {
  const [mode, open] = modes[0]!;
  const restored = { destination: { address: '10.244.1.6', port: 40_000 }, source: { address: '10.96.3.7', port: 80 } };
  const answer = {
    source: '10.244.2.9',
    destination: '192.168.57.11',
    sourcePort: 8080,
    destinationPort: 40_000,
    states: ['ESTABLISHED'] as const,
    inInterface: 'eth0',
    restored,
  };
  const { frame: _, ...rest } = packet;
  const journey = open().trace({ ...rest, ...answer }, around);
  const hops = stagesOf(journey.steps).flatMap((stage) =>
    'hook' in stage ? [hookHop(stage, { packet: { ...rest, ...answer }, packets: new Map() })] : [],
  );
  t.match(hops.find(({ facts }) => facts.length > 0)?.facts[0], /connection tracking restores/, mode);
  t.ok(hops.some(({ becomes }) => becomes?.destination === '10.244.1.6'));
});

t.test('rules of other programs with words that are not known', async (t) => {
  const around = { localAddresses: new Set<string>(), route: () => 'cni0', random: () => 0 };
  const packet = {
    source: '10.244.1.5',
    destination: '10.244.1.9',
    protocol: 'tcp',
    sourcePort: 1,
    destinationPort: 80,
    inInterface: 'eth0',
  };
  const hop = (rules: readonly string[], nft = '') => {
    const dump = ['*filter', ':FORWARD ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
    const journey = tracerOfListings({ iptables: [{ family: 4, dump }], nft }, 'doubtful').trace(packet, around);
    const stage = stagesOf(journey.steps).find((one) => 'hook' in one && one.hook === 'forward');
    return stage && 'hook' in stage ? hookHop(stage, { packet, packets: new Map(), end: journey }) : undefined;
  };
  const limited = '-A FORWARD -m limit --limit 5/min -j LOG';
  t.match(hop([limited, '-A FORWARD -p tcp -m tcp --dport 80 -j DROP']), {
    state: 'stops',
    fault: { code: 'ForeignRule' },
  });
  t.equal(hop([limited]), undefined, 'whether it is logged decides nothing');
  t.match(hop(['-A FORWARD -m length --length 60:80 -j DROP']), {
    state: 'doubtful',
    fault: { code: 'UnreadRule', message: /length 60:80/, remedy: /iptables -t filter -D FORWARD -m length/ },
  });
  t.equal(
    hop(['-A FORWARD -p udp -m length --length 60:80 -j DROP']),
    undefined,
    'it does not match, whatever the length',
  );
  t.match(hop(['-A FORWARD -m length --length 60:80 -j ACCEPT']), { state: 'passes', facts: [/not known/] });
  t.match(hop(['-A FORWARD -p tcp -j TTL --ttl-set 1']), { fault: { code: 'UnreadRule' } });
  const table = (rule: string) =>
    `table inet fw {\n\tchain f {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\t${rule}\n\t}\n}\n`;
  t.match(hop([], table('ip ttl < 5 drop')), { state: 'doubtful', fault: { code: 'UnreadRule', message: /ttl < 5/ } });
  t.equal(hop([], table('limit rate 5/minute log prefix "drop this"')), undefined);
  const other = 'whatever the time to live, it does not match';
  for (const no of [
    'ip saddr 10.9.9.9',
    'tcp dport { 81, 82 }',
    'udp dport 80',
    'iifname "eth7"',
    'ip daddr != 10.244.1.9',
  ])
    t.equal(hop([], table(`ip ttl < 5 ${no} drop`)), undefined, other);
  for (const yes of [
    'ip saddr 10.244.1.5',
    'tcp dport { 80, 82 }',
    'ct original ip saddr 10.9.9.9',
    'update @seen { ip saddr }',
  ])
    t.match(hop([], table(`ip ttl < 5 ${yes} drop`)), { fault: { code: 'UnreadRule' } }, yes);
  t.equal(hop([], table('ct direction reply drop')), undefined, 'it is no answer');
  const states = 'ct state vmap { 0x2 : accept, 0x4 : accept, 0x1 : drop, 0x8 : jump fresh }';
  const withFresh = (rule: string) => table(states).replace('\n}\n', `\n\tchain fresh {\n\t\t${rule}\n\t}\n}\n`);
  t.match(hop([], withFresh('tcp dport 80 drop')), { state: 'stops', fault: { message: /fresh:1/ } });
  t.not(hop([], withFresh('tcp dport 81 drop'))?.state, 'stops');
  t.equal(hop([], table('ct state { 0x2, 0x4 } drop')), undefined, 'it is new');
  t.match(hop([], table('ct state != { 0x2, 0x4 } drop')), { state: 'stops' });
  t.match(hop([], table('ct direction original drop')), { state: 'stops', fault: { code: 'ForeignRule' } });
});
