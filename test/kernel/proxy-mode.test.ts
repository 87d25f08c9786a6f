// Changes between the proxy modes, and each mode with foreign rules and foreign changes of its rules.
import t from 'tap';
import { cleanup } from '../../agents/kube-proxy/cleanup';
import { openRules, type Rules } from '../../agents/kube-proxy/rules';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { ServiceInput } from '../../dataplane/service/input';
import type { ProxyMode } from '../../dataplane/service/mode';
import { skipWithoutKernel, withNetns } from '../lib/netns';
import { endpoint, randomCluster, randomHostPorts, seededRandom, service, servicePort } from '../lib/service-fixture';
import { addresses, NetnsExec, ServiceLab, serverPort } from '../lib/service-lab';

t.setTimeout(300_000);

const facts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const a = endpoint(addresses.a, serverPort, { local: true });
const far = endpoint(addresses.far, serverPort);
const web = service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints: [a], nodePort: 30080 })] });
const log = silentLogger;

async function open(lab: ServiceLab, mode: ProxyMode): Promise<Rules> {
  const rules = await openRules({ mode, exec: lab.exec, family: 4, facts, log });
  rules.set('shop/web', web);
  return rules;
}

async function withLab(fn: (lab: ServiceLab, scope: Scope) => Promise<void>): Promise<void> {
  const scope = new Scope();
  try {
    await fn(await ServiceLab.open(scope, 'nftables'), scope);
  } finally {
    await scope.close();
  }
}

t.test('proxy modes', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('a node changes its mode without a refused or lost connection', async (t) => {
    await withLab(async (lab) => {
      await (await open(lab, 'iptables')).write();
      for (const mode of ['nftables', 'iptables'] as const) {
        let changing = true;
        const seen = new Map<string, number>();
        const asking = (async () => {
          while (changing) {
            const [inside, outside] = await Promise.all([
              lab.ask('b', '10.96.3.7', 80),
              lab.ask('outside', addresses.node, 30080),
            ]);
            for (const answer of [inside, outside]) seen.set(answer, (seen.get(answer) ?? 0) + 1);
          }
        })();
        const written = await (await open(lab, mode)).write();
        changing = false;
        await asking;
        t.ok(written.bytes > 0);
        t.same([...seen.keys()].sort(), [`a 10.244.1.1`, `a ${addresses.b}`], `to ${mode}: ${[...seen]}`);
        const nat = await lab.at.node.run('iptables-save', '-t', 'nat');
        const tables = await lab.at.node.run('nft', 'list', 'tables', 'ip');
        t.equal(nat.includes('K8TS-'), mode === 'iptables', 'chains in nat');
        t.equal(/table ip k8ts\n/.test(tables), mode === 'nftables', 'the table of nftables');
      }
    });
  });

  for (const backend of ['iptables-nft', 'iptables-legacy'] as const) {
    await t.test(`policy DROP in FORWARD and INPUT, as Docker and administrators set it, by ${backend}`, async (t) => {
      await withLab(async (lab) => {
        const run = (...argv: string[]) => lab.at.node.run(backend, ...argv);
        await run('-P', 'FORWARD', 'DROP');
        await run('-P', 'INPUT', 'DROP');
        // Like Docker: a foreign rule shows that this back end is in use.
        await run('-A', 'FORWARD', '-i', 'docker0', '-j', 'ACCEPT');
        t.equal(await lab.ask('b', addresses.far, serverPort, 300), 'TIMEOUT', 'before');
        const rules = await open(lab, 'nftables');
        rules.set('shop/local', {
          ...service('shop/local', '10.96.3.8', { ports: [servicePort({ endpoints: [a, far] })] }),
          externalLocal: true,
          healthCheckPort: serverPort,
        });
        await rules.write();
        t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`);
        t.equal(await lab.ask('outside', addresses.node, 30080), 'a 10.244.1.1');
        t.equal(await lab.ask('b', addresses.far, serverPort), `far ${addresses.b}`);
        t.match(await lab.ask('outside', addresses.node, serverPort), /^node /, 'health checks of load balancers');
        t.equal(await lab.ask('b', '10.96.3.7', 81), 'ECONNREFUSED', 'refused connections still get an answer');
        await run('-F', 'FORWARD');
        t.ok((await rules.check(false)).some(({ chain, kind }) => chain === 'FORWARD' && kind === 'jump-missing'));
        await rules.write();
        t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`);
        await cleanup(lab.exec, log);
        t.notMatch(await run('-S'), 'K8TS-');
      });
    });
  }

  await t.test('foreign changes of the table are found and repaired', async (t) => {
    await withLab(async (lab) => {
      const rules = await open(lab, 'nftables');
      await rules.write();
      const nft = (...argv: string[]) => lab.at.node.run('nft', ...argv);
      const cases: readonly (readonly [string, () => Promise<unknown>, string])[] = [
        ['everything flushed', () => nft('flush', 'ruleset'), 'services'],
        ['the table deleted', () => nft('delete', 'table', 'ip', 'k8ts'), 'services'],
        ['a chain emptied', () => nft('flush', 'chain', 'ip', 'k8ts', 'tcp-cluster-1'), 'tcp-cluster-1'],
        ['a rule added', () => nft('add', 'rule', 'ip', 'k8ts', 'services', 'drop'), 'services'],
        [
          'an element removed',
          () => nft('delete', 'element', 'ip', 'k8ts', 'services', '{ 10.96.3.7 . tcp . 80 }'),
          'services 10.96.3.7 . 6 . 80',
        ],
        ['a set flushed', () => nft('flush', 'map', 'ip', 'k8ts', 'tcp-endpoints'), 'tcp-endpoints 10.96.3.7 . 80 . 0'],
        [
          'an element added',
          () => nft('add', 'element', 'ip', 'k8ts', 'cluster-ips', '{ 10.96.9.9 }'),
          'cluster-ips 10.96.9.9',
        ],
        ['a set added', () => nft('add', 'set', 'ip', 'k8ts', 'strange', '{ type ipv4_addr; }'), 'set strange'],
        [
          'a base chain with another priority',
          async () => {
            await nft('delete', 'chain', 'ip', 'k8ts', 'nat-output');
            await nft('add', 'chain', 'ip', 'k8ts', 'nat-output', '{ type nat hook output priority 50; }');
          },
          'nat-output',
        ],
      ];
      for (const [what, interfere, named] of cases) {
        await interfere();
        const drift = await rules.check(true);
        t.ok(
          drift.some(({ table, chain }) => table === 'ip k8ts' && chain === named),
          `${what}: ${JSON.stringify(drift)}`,
        );
        const written = await rules.write();
        t.equal(written.full, true);
        t.same(await rules.check(true), [], `${what}: repaired`);
        t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`, what);
      }
    });
  });

  await t.test('clients keep their endpoint when the table is compared and written again', async (t) => {
    await withLab(async (lab) => {
      const sticky = { ...web, affinitySeconds: 600, ports: [servicePort({ endpoints: [a, far] })] };
      const rules = await open(lab, 'nftables');
      rules.set('shop/web', sticky);
      await rules.write();
      const first = await lab.ask('b', '10.96.3.7', 80);
      await lab.at.node.run('nft', 'flush', 'chain', 'ip', 'k8ts', 'services');
      t.not((await rules.check(true)).length, 0);
      await rules.write();
      const next = await open(lab, 'nftables');
      next.set('shop/web', sticky);
      t.match(await next.write(), { full: true, bytes: 0 });
      for (let i = 0; i < 15; i++) t.equal(await lab.ask('b', '10.96.3.7', 80), first);
    });
  });

  await t.test('the kernel holds the compiled rules, with every feature and in both families', async (t) => {
    await withNetns(1, async (netns) => {
      const exec = new NetnsExec(netns);
      const random = seededRandom(11);
      const four = [...randomCluster(random, 150), ...randomHostPorts(random, 20)];
      const plans = [
        { family: 4, facts: { ...facts, serviceCidrs: ['10.96.0.0/12'] }, services: four },
        { family: 6, facts: sixFacts, services: four.map(toSix) },
      ] as const;
      for (const { family, facts: nodeFacts, services } of plans) {
        const openOne = () => openRules({ mode: 'nftables', exec, family, facts: nodeFacts, log });
        const rules = await openOne();
        for (const one of services) rules.set(one.key, one);
        t.ok((await rules.write()).bytes > 10_000);
        t.same(await rules.check(true), [], `IPv${family}`);
        // Changed again and again: the kernel must accept every transaction.
        for (let round = 0; round < 8; round++) {
          for (const one of services) {
            const chance = random();
            if (chance < 0.1) rules.set(one.key, undefined);
            else if (chance < 0.3) rules.set(one.key, { ...one, externalLocal: !one.externalLocal });
            else if (chance < 0.5)
              rules.set(one.key, {
                ...one,
                ports: one.ports.map((port) => ({ ...port, endpoints: port.endpoints.slice(1) })),
              });
            else if (chance < 0.6) rules.set(one.key, { ...one, affinitySeconds: 100 + round });
            else rules.set(one.key, one);
          }
          t.match(await rules.write(), { full: false });
        }
        t.same(await rules.check(true), [], `IPv${family}, after many changes`);
        for (const one of services) rules.set(one.key, one);
        await rules.write();
        const next = await openOne();
        for (const one of services) next.set(one.key, one);
        t.match(await next.write(), { full: true, chains: 0, bytes: 0 }, 'the rules do not depend on earlier changes');
      }
    });
  });
});

const sixFacts = {
  clusterCidr: 'fd00:244::/32',
  podCidr: 'fd00:244:1::/64',
  serviceCidrs: ['fd00:96::/108'],
  nodePortAddresses: ['fd00:57::/64'],
};
const six = (address: string) => `fd00:${address.split('.').map(Number).join(':')}::1`;
const toSix = (one: ServiceInput): ServiceInput => ({
  ...one,
  ...(one.clusterIp === undefined ? {} : { clusterIp: six(one.clusterIp) }),
  externalIps: one.externalIps.map(six),
  loadBalancerIps: one.loadBalancerIps.map(six),
  ...(one.sourceRanges ? { sourceRanges: ['fd00:198::/32', '::/0'] } : {}),
  ports: one.ports.map((port) => ({
    ...port,
    ...(port.hostIp === undefined ? {} : { hostIp: six(port.hostIp) }),
    endpoints: port.endpoints.map((to) => ({ ...to, address: six(to.address) })),
  })),
});
