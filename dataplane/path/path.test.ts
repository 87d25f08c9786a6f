// Packets through all rules of a node together, with the object behind each step; README.md shows one journey.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { endpoint, service, servicePort } from '../../test/lib/service-fixture';
import { parseDump } from '../netfilter/parse';
import { sourcesText } from '../pod-sources/text';
import { compilePolicies } from '../policy/compile';
import type { PodRecord, World } from '../policy/input';
import { renderUpdate } from '../policy/update';
import { ServiceCompiler } from '../service/iptables/compiler';
import { NftCompiler } from '../service/nft/compiler';
import { tableOf } from '../service/nft/names';
import { renderTransaction } from '../service/nft/transaction';
import { Tracer } from './hooks';
import { IptablesEvaluator } from './iptables/evaluator';
import type { RuleStep } from './journey';
import { NftEvaluator } from './nft/evaluator';
import { NftTables } from './nft/tables';
import type { Packet, Surroundings } from './packet';
import { renderJourney } from './text';
import { tracerOfListings, tracerOfPlans } from './tracers';

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24', serviceCidrs: ['10.96.0.0/12'] };
const web = service('shop/web', '10.96.3.7', {
  ports: [servicePort({ nodePort: 30080, endpoints: [endpoint('10.244.2.9', 8080)] })],
});
const empty = service('shop/empty', '10.96.3.8');

const pod = (name: string, address: string, local: boolean, labels: Record<string, string>): PodRecord => ({
  key: `shop/${name}`,
  namespace: 'shop',
  labels,
  addresses: [address],
  local,
  ports: [],
  ending: false,
});
const world: World = {
  families: [4],
  podRanges: ['10.244.1.0/24'],
  namespaces: [{ name: 'shop', labels: {} }],
  servers: [],
  pods: [
    pod('client', '10.244.1.6', true, { app: 'client' }),
    pod('stranger', '10.244.1.7', true, { app: 'stranger' }),
    pod('web', '10.244.2.9', false, { app: 'web' }),
  ],
  policies: [
    { key: 'shop/deny', namespace: 'shop', pods: [], egress: [] },
    {
      key: 'shop/to-web',
      namespace: 'shop',
      pods: [{ key: 'app', operator: 'In', values: ['client'] }],
      egress: [
        {
          peers: [{ pods: [{ key: 'app', operator: 'In', values: ['web'] }] }],
          ports: [{ protocol: 'tcp', port: 8080 }],
        },
      ],
    },
  ],
};
const sources = sourcesText(
  [
    { link: 'veth0af40106', mac: '0a:58:0a:f4:01:06', addresses: ['10.244.1.6'] },
    { link: 'veth0af40107', mac: '0a:58:0a:f4:01:07', addresses: ['10.244.1.7', 'fd00:244:1::7'] },
  ],
  { targets: true, tunnelPort: 8472 },
);
const policies = renderUpdate(undefined, compilePolicies(world)!);

function iptables() {
  const compiler = new ServiceCompiler(4, facts);
  for (const one of [web, empty]) compiler.set(one.key, one);
  return tracerOfPlans({ iptables: { family: 4, chains: compiler.take().plan }, nft: [policies, sources] });
}
function nftables() {
  const compiler = new NftCompiler(4, facts);
  for (const one of [web, empty]) compiler.set(one.key, one);
  const { plan, dirty } = compiler.take();
  return tracerOfPlans({ nft: [renderTransaction(tableOf(4), plan, dirty), policies, sources] });
}

const around: Surroundings = {
  localAddresses: new Set(['192.168.57.11', '10.244.1.1']),
  route: (destination) => (destination.startsWith('10.244.1.') ? 'cni0' : 'eth0'),
  masqueradeAs: () => '192.168.57.11',
  random: () => 0,
};
const from = (address: string, changes: Partial<Packet> = {}): Packet => {
  const last = address.split('.').at(-1)!.padStart(2, '0');
  return {
    source: address,
    destination: '10.96.3.7',
    protocol: 'tcp',
    sourcePort: 40_000,
    destinationPort: 80,
    inInterface: 'cni0',
    frame: { port: `veth0af401${last}`, sourceMac: `0a:58:0a:f4:01:${last}` },
    ...changes,
  };
};

const modes = [
  ['iptables', iptables],
  ['nftables', nftables],
] as const;

t.test('README.md shows the journey of a pod to a Service as it is', async (t) => {
  const packet = from('10.244.1.6');
  const text = renderJourney(packet, iptables().trace(packet, around));
  const readme = readFileSync(join(__dirname, 'README.md'), 'utf8');
  t.ok(readme.includes(`\`\`\`text\n${text}\`\`\`\n`), text);
});

for (const [mode, open] of modes) {
  const tracer = open();
  const go = (packet: Packet) => {
    const journey = tracer.trace(packet, around);
    const rules = journey.steps.filter((step): step is RuleStep => step.step === 'rule');
    return { journey, rules, last: rules.at(-1)! };
  };

  t.test(`${mode}: a pod reaches a Service that a policy allows, and each step names its object`, async (t) => {
    const { journey, rules } = go(from('10.244.1.6'));
    t.match(journey, { verdict: 'accept', local: false, destination: '10.244.2.9', destinationPort: 8080 });
    t.equal(rules[0]?.hook, 'bridge prerouting', 'the bridge table comes first');
    const dnat = rules.find(({ verdict }) => verdict === 'dnat');
    t.match(dnat, { hook: 'prerouting', before: { destination: '10.96.3.7' }, after: { destination: '10.244.2.9' } });
    t.strictSame(dnat?.objects, [{ kind: 'Service', key: 'shop/web', port: 'http', endpoint: '10.244.2.9:8080' }]);
    const allowing = rules.find(
      ({ table, verdict, objects }) => table.startsWith('inet') && verdict === 'accept' && objects.length > 0,
    );
    t.strictSame(allowing?.objects, [{ kind: 'NetworkPolicy', key: 'shop/to-web', rule: 'egress[0]' }]);
    const routing = journey.steps.findIndex(({ step }) => step === 'routing');
    t.ok(journey.steps.indexOf(dnat!) < routing && routing < journey.steps.indexOf(allowing!), 'between the hooks');
  });

  t.test(`${mode}: a policy drops what it does not allow`, async (t) => {
    const { journey, last } = go(from('10.244.1.7'));
    t.equal(journey.verdict, 'drop');
    t.match(last, { hook: 'forward', table: 'inet k8ts-policy', before: { destination: '10.244.2.9' } });
    t.strictSame(last.objects, [{ kind: 'NetworkPolicy', key: 'shop/deny' }]);
  });

  t.test(`${mode}: a Service without endpoints refuses, before any policy`, async (t) => {
    const { journey, rules } = go(from('10.244.1.7', { destination: '10.96.3.8' }));
    t.match(journey, { verdict: 'reject', rejectWith: 'tcp-reset' });
    t.strictSame(
      rules.filter(({ table }) => table.startsWith('inet')),
      [],
    );
    const named = rules.flatMap(({ objects }) => objects);
    t.ok(named.some((object) => object.key === 'shop/empty'));
  });

  t.test(`${mode}: from outside by a node port, with an address of the node as the source`, async (t) => {
    const { journey, rules } = go({
      source: '198.51.100.7',
      destination: '192.168.57.11',
      protocol: 'tcp',
      destinationPort: 30080,
      inInterface: 'eth0',
    });
    t.match(journey, { verdict: 'accept', masqueraded: true, source: '192.168.57.11', destination: '10.244.2.9' });
    const masquerade = rules.find(({ verdict }) => verdict === 'masquerade');
    t.match(masquerade, {
      hook: 'postrouting',
      before: { source: '198.51.100.7' },
      after: { source: '192.168.57.11' },
    });
  });

  t.test(`${mode}: a pod sends only from its own addresses, in both families, and is not a router`, async (t) => {
    const verdict = (packet: Packet) => {
      const { journey, last } = go(packet);
      return journey.verdict === 'drop' && last.hook === 'bridge prerouting'
        ? last.rule.split('"')[1]
        : journey.verdict;
    };
    const own = from('10.244.1.7').frame!;
    t.equal(verdict(from('10.244.1.7', { source: '10.244.1.6' })), 'the IPv4 address of another');
    t.equal(verdict(from('10.244.1.7', { frame: { ...own, sourceMac: '0a:58:0a:f4:01:06' } })), 'the MAC of another');
    t.equal(verdict(from('10.244.1.6', { protocol: 'udp', destinationPort: 8472 })), "for the nodes' tunnel");
    const six = from('10.244.1.7', { source: 'fd00:244:1::7', destination: 'fd00:1::1' });
    t.equal(verdict(six), 'accept');
    t.equal(verdict({ ...six, source: 'fd00:244:1::6' }), 'the IPv6 address of another');
    t.equal(verdict({ ...six, protocol: 'icmpv6', icmpType: 134 }), 'only routers send these');
    t.equal(
      verdict({ ...six, source: '::', protocol: 'icmpv6', icmpType: 133 }),
      'accept',
      'before the pod has an address',
    );
    t.throws(() => verdict({ ...six, protocol: 'icmpv6', icmpType: 136 }), { code: 'Unsupported' });
  });
}

t.test('iptables rules that nft also lists count once; rules of the legacy back end are separate', async (t) => {
  const dump = (program: string) =>
    `# Generated by ${program}\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.244.2.9/32 -j ACCEPT\nCOMMIT\n`;
  const nft = [
    'table ip filter {',
    '\tchain FORWARD {',
    '\t\ttype filter hook forward priority 0; policy drop;',
    '\t\tip daddr 10.244.2.9 counter accept',
    '\t}',
    '}',
    '',
  ].join('\n');
  const packet = { source: '10.244.1.6', destination: '10.244.2.9', protocol: 'tcp', inInterface: 'cni0' };
  const tables = (program: string) => {
    const tracer = tracerOfListings({ iptables: [{ family: 4, dump: dump(program) }], nft });
    const journey = tracer.trace(packet, around);
    t.equal(journey.verdict, 'accept');
    return journey.steps.flatMap((step) => (step.step === 'rule' ? [step.table] : []));
  };
  t.strictSame(tables('iptables-save v1.8.9 (nf_tables)'), ['filter']);
  t.strictSame(tables('iptables-legacy-save v1.8.9'), ['filter', 'ip filter']);
  const closed = tracerOfListings({ nft }).trace({ ...packet, destination: '10.244.2.8' }, around);
  t.match(closed.steps.at(-1), { verdict: 'drop', line: 0, rule: 'policy drop' }, 'the policy of a chain is a step');
});

t.test('an unknown word stops the trace only when a packet reaches the rule', async (t) => {
  const dump = [
    '*filter',
    ':FORWARD ACCEPT [0:0]',
    '-A FORWARD -d 10.244.2.8/32 -m set --match-set bad src -j DROP',
    '-A FORWARD -d 10.244.2.7/32 -j NFQUEUE --queue-num 1',
    '-A FORWARD -d 10.244.2.5/32 -j LOG',
    'COMMIT',
    '',
  ].join('\n');
  const nft =
    'table inet x {\n\tchain f {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\tip daddr 10.244.2.6 limit rate 1/second drop\n\t}\n}\n';
  const tracer = tracerOfListings({ iptables: [{ family: 4, dump }], nft });
  const to = (destination: string) =>
    tracer.trace({ source: '10.244.1.6', destination, protocol: 'tcp', inInterface: 'cni0' }, around).verdict;
  t.equal(to('10.244.2.9'), 'accept');
  t.equal(to('10.244.2.5'), 'accept', 'a log changes nothing');
  for (const address of ['10.244.2.8', '10.244.2.7', '10.244.2.6']) {
    t.throws(() => to(address), { code: 'Unsupported', message: /does not know/ }, address);
  }
  const strict = (destination: string) =>
    new Tracer([new IptablesEvaluator(parseDump(dump), 4)]).trace({ ...from('10.244.1.6'), destination }, around);
  t.throws(() => strict('10.244.2.9'), { code: 'Unsupported' }, 'a plan has no unknown word anywhere');
  const planned = new NftTables().apply(
    'add table inet x\nadd chain inet x f { type filter hook forward priority 0; policy accept; }\nadd rule inet x f ip daddr 10.244.2.6 limit rate 1/second drop\n',
  );
  const nftTracer = new Tracer(planned.all.map((table) => new NftEvaluator(table)));
  t.throws(() => nftTracer.trace(from('10.244.1.6'), around), { code: 'Unsupported' });
});
