// `k8ts rules diff` on a node with real rules: nothing differs right after a write, each change by hand is named with its object, and rules of
// other programs are named with their place.
import t, { type Test } from 'tap';
import { desiredServices } from '../../agents/kube-proxy/open';
import { openRules, type Rules } from '../../agents/kube-proxy/rules';
import { diff } from '../../agents/rules/diff';
import { silentLogger as log } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { NftProgram } from '../../dataplane/nftables/nft';
import { PolicyApplier } from '../../dataplane/policy/applier';
import { guardText } from '../../dataplane/policy/bridge-guard';
import type { PolicyPlan } from '../../dataplane/policy/model';
import { policyTables } from '../../dataplane/policy/table';
import { type DesiredPart, DesiredReader, desiredLines, stateLines } from '../../dataplane/rules-diff/document';
import type { Report } from '../../dataplane/rules-diff/report';
import { renderReport } from '../../dataplane/rules-diff/text';
import type { ProxyMode } from '../../dataplane/service/mode';
import { createNetns, skipWithoutKernel, type TestNetns } from '../lib/netns';
import { endpoint, randomCluster, seededRandom, service, servicePort } from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

t.setTimeout(300_000);

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24', serviceCidrs: ['10.96.0.0/12'] };
const web = service('shop/web', '10.96.200.7', {
  ports: [servicePort({ endpoints: [endpoint('10.244.1.5', 8080, { local: true }), endpoint('10.244.2.9', 8080)] })],
});
const policies: PolicyPlan = {
  chains: new Map([
    [
      'ingress',
      {
        hook: { name: 'forward', priority: 11 },
        rules: [
          {
            matches: [],
            verdict: { verdict: 'look-up', side: 'destination', family: 4, map: 'entering4' },
            comment: 'x',
          },
        ],
      },
    ],
    [
      'in/shop/allow-web',
      {
        rules: [
          {
            matches: [{ match: 'ports', protocol: 'tcp', ranges: [[80, 80]] }],
            verdict: { verdict: 'accept' },
            comment: 'shop/allow-web: ingress[0]',
          },
        ],
      },
    ],
  ]),
  sets: new Map([['servers4', { family: 4, kind: 'endpoint', elements: new Set(['10.0.0.1 . tcp . 80']) }]]),
  maps: new Map([['entering4', { family: 4, elements: new Map([['10.244.1.5', 'goto in/shop/allow-web']]) }]]),
  guard: guardText(['10.244.1.0/24']),
};

/** A namespace with kube-proxy's rules, written by its own parts. */
class Node {
  readonly exec: NetnsExec;
  private constructor(
    readonly netns: TestNetns,
    private readonly mode: ProxyMode,
    private readonly rules: Rules,
    private readonly applier: PolicyApplier,
  ) {
    this.exec = new NetnsExec(netns);
  }

  static async open(scope: Scope, mode: ProxyMode): Promise<Node> {
    const netns = await createNetns();
    scope.defer(() => netns.teardown());
    const exec = new NetnsExec(netns);
    const rules = await openRules({ mode, exec, family: 4, facts, log });
    for (const one of [...randomCluster(seededRandom(5), 30), web]) rules.set(one.key, one);
    const node = new Node(netns, mode, rules, new PolicyApplier(new NftProgram(exec)));
    await node.write();
    return node;
  }

  async write(): Promise<void> {
    await this.rules.check(true);
    await this.applier.check(true);
    await this.rules.write();
    await this.applier.apply(policies);
  }

  heals = async () => [...(await this.rules.check(true)), ...(await this.applier.check(true))];

  private parts = (): readonly DesiredPart[] => {
    const state = { writes: 1, pending: false, writtenAt: 1_000 };
    const services = desiredServices(this.mode, [{ family: 4, rules: this.rules }], state);
    return [
      services,
      { ...services, part: 'policies', mode: 'nftables', iptables: [], nft: policyTables(policies, true) },
    ];
  };

  diff(): Promise<Report> {
    return diff({
      exec: this.exec,
      ask: async (path) => {
        const reader = new DesiredReader();
        const lines = path === '/rules' ? desiredLines(this.parts) : stateLines(this.parts);
        for (const line of lines) reader.take(line);
        return reader.done();
      },
    });
  }

  silent = (): Promise<Report> => diff({ exec: this.exec, ask: async () => ({ why: 'kube-proxy does not run' }) });

  async dump(table: string): Promise<readonly string[]> {
    return (await this.netns.run('iptables-save', '-t', table)).split('\n');
  }
}

async function withNode(t: Test, mode: ProxyMode, fn: (node: Node) => Promise<void>): Promise<void> {
  const scope = new Scope();
  t.teardown(() => scope.close());
  await fn(await Node.open(scope, mode));
}

const text = (report: Report): string => renderReport(report, 13_000);
/** Interferes, compares, and writes again. */
async function afterwards(node: Node, interfere: () => Promise<unknown>): Promise<Report> {
  await interfere();
  const report = await node.diff();
  const healed = await node.heals();
  if ((report.verdict === 'different') !== healed.length > 0)
    throw new Error(`diff says ${report.verdict}, healing finds ${JSON.stringify(healed)}`);
  await node.write();
  return report;
}

t.test('mode iptables', { skip: skipWithoutKernel() }, async (t) => {
  await withNode(t, 'iptables', async (node) => {
    const run = (...argv: string[]) => node.netns.run(...(argv as [string, ...string[]]));

    await t.test('right after a write', async (t) => {
      const report = await node.diff();
      t.equal(report.verdict, 'equal', text(report));
      t.match(text(report), /^kube-proxy, services: mode iptables; last written 12 s ago, write 1; nothing waits$/m);
      t.match(
        text(report),
        /\nEqual: the kernel holds what kube-proxy wants; no rule of another program decides before ours\.\n$/,
      );
    });

    const rule = (await node.dump('nat')).find((line) => line.includes('shop/web') && line.includes('DNAT'))!;
    const chain = rule.split(' ')[1]!;
    const words = [...rule.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!).slice(1);

    await t.test('a deleted rule', async (t) => {
      const report = await afterwards(node, () => run('iptables', '-t', 'nat', '-D', ...words));
      t.match(report.rules.missing, { count: 1, first: [{ what: 'rule', table: 'nat', chain, desired: rule }] });
      t.match(report.rules.missing.first[0]?.objects, [{ kind: 'Service', key: 'shop/web' }]);
      t.match(text(report), /^Different: 1 difference between/m);
    });

    await t.test('a changed rule', async (t) => {
      const changed = words.map((word) => word.replace(':8080', ':8081'));
      const report = await afterwards(node, async () => {
        const line = (await node.dump('nat')).filter((one) => one.startsWith(`-A ${chain} `)).indexOf(rule) + 1;
        await run('iptables', '-t', 'nat', '-R', chain, `${line}`, ...changed.slice(1));
      });
      t.match(report.rules, { missing: { count: 0 }, extra: { count: 0 }, changed: { count: 1 } });
      t.match(text(report), /desired .*:8080\n +kernel .*:8081\n/);
    });

    await t.test('a flushed chain, a removed chain', async (t) => {
      const flushed = await afterwards(node, () => run('iptables', '-t', 'nat', '-F', chain));
      t.ok(flushed.rules.missing.count >= 1);
      t.ok(flushed.rules.missing.first.every((one) => one.what === 'rule' && one.chain === chain));
      const removed = await afterwards(node, async () => {
        await run('iptables', '-t', 'nat', '-F', 'K8TS-SERVICES');
        await run('iptables', '-F', 'K8TS-CANARY');
        await run('iptables', '-X', 'K8TS-CANARY');
      });
      t.ok(removed.rules.missing.first.some((one) => one.what === 'chain' && one.chain === 'K8TS-CANARY'));
      t.match(text(removed), /K8TS-CANARY +the whole chain, 1 rule\n/);
    });

    await t.test('a rule of another program in our chain, and a chain that nobody wants', async (t) => {
      const report = await afterwards(node, async () => {
        await run('iptables', '-I', 'K8TS-FORWARD', '1', '-s', '203.0.113.0/24', '-j', 'DROP');
        await run('iptables', '-N', 'K8TS-OLD');
      });
      t.match(report.rules, { extra: { count: 2 }, missing: { count: 0 }, changed: { count: 0 } });
      t.match(text(report), /K8TS-FORWARD:1\n +-A K8TS-FORWARD -s 203\.0\.113\.0\/24 -j DROP\n/);
    });

    await t.test('a missing jump', async (t) => {
      const jump = '-D OUTPUT -m comment --comment';
      const report = await afterwards(node, () =>
        run('iptables', '-t', 'nat', ...jump.split(' '), 'k8ts: to K8TS-SERVICES', '-j', 'K8TS-SERVICES'),
      );
      t.match(report.rules.missing, { count: 1, first: [{ what: 'jump', table: 'nat', chain: 'OUTPUT' }] });
    });

    await t.test('a foreign DROP before our jump, and what stands behind it', async (t) => {
      const report = await afterwards(node, async () => {
        await run('iptables', '-I', 'FORWARD', '1', '-s', '203.0.113.0/24', '-j', 'DROP');
        await run('iptables', '-N', 'DOCKER-USER');
        await run('iptables', '-A', 'FORWARD', '-j', 'DOCKER-USER');
        await run('iptables', '-A', 'DOCKER-USER', '-j', 'REJECT');
        await run('iptables', '-P', 'INPUT', 'DROP');
      });
      t.equal(report.verdict, 'equal');
      const said = text(report);
      t.match(said, /forward, priority 0: iptables \(nft\) filter FORWARD; our jump is line 2, not the first\n/);
      t.match(
        said,
        /! {3}1 {2}-A FORWARD -s 203\.0\.113\.0\/24 -j DROP\n +may drop; by a program or a person that is not known/,
      );
      t.match(said, / {6}3 {2}-A FORWARD -j DOCKER-USER\n +may refuse; by an administrator/);
      t.match(said, /input, priority 0: iptables \(nft\) filter INPUT; policy DROP; our jump is first\n/);
      t.match(
        said,
        /Equal: .*; 1 rule of other programs may decide before ours, and what no rule accepts is dropped in 1 chain/,
      );
      await run('iptables', '-P', 'INPUT', 'ACCEPT');
      await run('iptables', '-D', 'FORWARD', '1');
      await run('iptables', '-D', 'FORWARD', '-j', 'DOCKER-USER');
    });

    await t.test('the other back end of iptables, and tables of nft', async (t) => {
      await run('iptables-legacy', '-t', 'raw', '-A', 'PREROUTING', '-d', '203.0.113.9', '-j', 'DROP');
      const rules = 'ip daddr 203.0.113.1 drop\nct status dnat accept\ntcp dport 22 jump more\n';
      await node.exec.run(['nft', '-f', '-'], {
        input:
          'table inet firewalld {\nset bad { type ipv4_addr; }\nchain more { reject\n}\n' +
          `chain early { type filter hook forward priority -10; policy accept;\n${rules}}\n` +
          'chain late { type filter hook forward priority 10; policy drop;\naccept\n}\n}\n',
      });
      const report = await node.diff();
      t.equal(report.verdict, 'equal', text(report));
      const said = text(report);
      t.match(said, /prerouting, priority -300: iptables \(legacy\) raw PREROUTING\n {2}! {3}1 .*203\.0\.113\.9/);
      t.match(
        said,
        /forward, priority -10: nft inet firewalld early\n {2}! {3}1 .*drop\n +may drop; by firewalld\n {6}2 /,
      );
      t.match(said, /! {3}3 {2}tcp dport 22 jump more\n +may refuse; by firewalld/);
      t.match(said, /forward, priority 10: nft inet firewalld late; policy DROP\n {6}1 /);
      t.match(said, /^Note: both back ends of iptables hold rules, legacy and nft: the kernel applies both\.$/m);
      await run('nft', 'delete', 'table', 'inet', 'firewalld');
      await run('iptables-legacy', '-t', 'raw', '-F');
    });

    await t.test('policies: a missing chain, a removed element, a changed rule, the whole table', async (t) => {
      const nft = (...argv: string[]) => run('nft', ...argv);
      const element = await afterwards(node, () =>
        nft('delete', 'element', 'inet', 'k8ts-policy', 'entering4', '{ 10.244.1.5 }'),
      );
      t.match(element.elements.missing, { count: 1, first: [{ desired: '10.244.1.5 : goto in/shop/allow-web' }] });
      const missing = await afterwards(node, async () => {
        await nft('flush', 'map', 'inet', 'k8ts-policy', 'entering4');
        await nft('delete', 'chain', 'inet', 'k8ts-policy', 'in/shop/allow-web');
      });
      t.match(missing.rules.missing.first, [
        { what: 'chain', chain: 'in/shop/allow-web', objects: [{ kind: 'NetworkPolicy', key: 'shop/allow-web' }] },
      ]);
      const gone = await afterwards(node, () => nft('delete', 'table', 'inet', 'k8ts-policy'));
      t.match(gone.rules.missing, { count: 1, first: [{ what: 'table', table: 'inet k8ts-policy' }] });
      const guard = await afterwards(node, () => nft('flush', 'chain', 'bridge', 'k8ts-policy', 'forward'));
      t.match(guard.rules.missing, { count: 1, first: [{ table: 'bridge k8ts-policy', chain: 'forward', line: 1 }] });
    });

    await t.test('without kube-proxy', async (t) => {
      const report = await node.silent();
      t.equal(report.verdict, 'unknown');
      t.match(text(report), /^kube-proxy does not run\. So nothing desired is known/);
      t.match(text(report), /iptables \(nft\) nat: \d+ chains, \d+ rules\n/);
      t.match(text(report), /nft inet k8ts-policy: 2 chains, 2 rules\n/);
    });
  });
});

t.test('mode nftables', { skip: skipWithoutKernel() }, async (t) => {
  await withNode(t, 'nftables', async (node) => {
    const nft = (...argv: string[]) => node.netns.run('nft', ...argv);

    await t.test('right after a write', async (t) => {
      const report = await node.diff();
      t.equal(report.verdict, 'equal', text(report));
    });

    await t.test('removed, added and changed elements', async (t) => {
      const removed = await afterwards(node, async () => {
        await nft('delete', 'element', 'ip', 'k8ts', 'services', '{ 10.96.200.7 . tcp . 80 }');
        await nft('delete', 'element', 'ip', 'k8ts', 'tcp-endpoints', '{ 10.96.200.7 . 80 . 0 }');
        await nft('add', 'element', 'ip', 'k8ts', 'cluster-ips', '{ 10.96.99.9 }');
      });
      t.match(removed.elements, { missing: { count: 2 }, extra: { count: 1 }, changed: { count: 0 } });
      t.ok(
        removed.elements.missing.first.every(({ objects }) => objects.some((one) => one.key === 'shop/web')),
        JSON.stringify(removed.elements.missing),
      );
      t.match(text(removed), /cluster-ips\n +10\.96\.99\.9\n/);
      const changed = await afterwards(node, async () => {
        await nft('delete', 'element', 'ip', 'k8ts', 'tcp-endpoints', '{ 10.96.200.7 . 80 . 0 }');
        await nft('add', 'element', 'ip', 'k8ts', 'tcp-endpoints', '{ 10.96.200.7 . 80 . 0 : 10.244.9.9 . 1 }');
      });
      t.match(changed.elements, { missing: { count: 0 }, extra: { count: 0 }, changed: { count: 1 } });
      t.match(
        text(changed),
        /desired {2}10\.96\.200\.7 \. 80 \. 0 : 10\.244\.1\.5 \. 8080\n +kernel .*10\.244\.9\.9 \. 1\n/,
      );
    });

    await t.test('many: the first are named, all are counted', async (t) => {
      const report = await afterwards(node, () => nft('flush', 'map', 'ip', 'k8ts', 'services'));
      t.ok(report.elements.missing.count > 20);
      t.equal(report.elements.missing.first.length, 20);
      t.match(text(report), /\n {2}\.\.\. and \d+ more\n/);
    });

    await t.test('a flushed chain, an added rule, another hook', async (t) => {
      const flushed = await afterwards(node, () => nft('flush', 'chain', 'ip', 'k8ts', 'refused'));
      t.match(flushed.rules.missing, { count: 3, first: [{ chain: 'refused', line: 1 }] });
      const added = await afterwards(node, () => nft('insert', 'rule', 'ip', 'k8ts', 'services', 'drop'));
      t.match(added.rules, { extra: { count: 1, first: [{ chain: 'services', line: 1, actual: 'drop' }] } });
      const hook = await afterwards(node, async () => {
        await nft('delete', 'chain', 'ip', 'k8ts', 'nat-output');
        await nft('add', 'chain', 'ip', 'k8ts', 'nat-output', '{ type nat hook output priority 50; }');
      });
      t.match(hook.rules.changed, { count: 1, first: [{ what: 'chain', chain: 'nat-output' }] });
      t.match(hook.rules.missing, { count: 1 });
    });

    await t.test('rules of mode iptables are left over', async (t) => {
      const report = await afterwards(node, () => node.netns.run('iptables', '-t', 'nat', '-N', 'K8TS-SERVICES'));
      t.match(report.rules.extra, { count: 1, first: [{ what: 'chain', chain: 'K8TS-SERVICES' }] });
    });
  });
});
