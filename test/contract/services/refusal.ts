// Which packets are refused, and which are dropped.
import { service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

export const refusalCases: ServiceCases = {
  'connections without endpoints and to unknown ports are refused at once': async (t, lab, rules) => {
    await rules.apply(
      web([], { loadBalancerIps: ['192.168.57.240'] }, { nodePort: 30080 }),
      service('shop/live', '10.96.3.8', { ports: [servicePort({ endpoints: [at('a')] })] }),
    );
    for (const from of ['a', 'node', 'outside'] as const) {
      t.equal(await lab.ask(from, '10.96.3.7', 80), 'ECONNREFUSED', `${from}: no endpoints`);
      t.equal(await lab.ask(from, '10.96.3.8', 81), 'ECONNREFUSED', `${from}: no such port`);
      t.equal(await lab.ask(from, addresses.node, 30080), 'ECONNREFUSED', `${from}: node port`);
      t.equal(await lab.ask(from, '192.168.57.240', 80), 'ECONNREFUSED', `${from}: load balancer`);
    }
    await rules.apply(web([at('b')]));
    t.equal(await lab.ask('a', '10.96.3.7', 80), `b ${addresses.a}`, 'the first endpoint answers');
    await rules.apply(web([at('b', { ready: false, terminating: true })]));
    t.equal(await lab.ask('a', '10.96.3.7', 80), `b ${addresses.a}`, 'a terminating endpoint serves');
  },

  'an address of the range that no Service has is dropped, and stays in the node': async (t, lab, rules) => {
    const program = lab.mode === 'nftables' ? 'iptables-nft' : lab.mode;
    const counted = ['-t', 'raw', 'PREROUTING'];
    await lab.at.outside.run(program, ...counted.slice(0, 2), '-A', 'PREROUTING', '-d', '10.96.0.0/12');
    const left = async () =>
      Number(
        /^\s*(\d+)/m.exec(
          (await lab.at.outside.run(program, ...counted.slice(0, 2), '-vxnL', 'PREROUTING')).split('\n')[2]!,
        )?.[1],
      );
    await rules.apply(web([at('a')]));
    t.equal(await lab.ask('b', '10.96.99.99', 80, 300), 'TIMEOUT');
    const before = await left();
    t.ok(before > 0, 'without a known range, a wrong address leaves by the default route');
    rules.setFacts({ serviceCidrs: ['10.96.0.0/12'] });
    await rules.write();
    for (const from of ['b', 'node'] as const) t.equal(await lab.ask(from, '10.96.99.99', 80, 300), 'TIMEOUT', from);
    t.equal(await left(), before);
    t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`, 'a Service still answers');
    t.equal(await lab.ask('b', '10.96.3.7', 81), 'ECONNREFUSED', 'and refuses other ports');
    await rules.apply(web([]));
    t.equal(await lab.ask('b', '10.96.3.7', 80), 'ECONNREFUSED');
    t.same(await rules.check(), []);
  },

  'source ranges of a load balancer': async (t, lab, rules) => {
    const balanced = { loadBalancerIps: ['192.168.57.240'] };
    await rules.apply(web([at('a')], { ...balanced, sourceRanges: ['198.51.100.0/24'] }));
    t.match(await lab.ask('outside', '192.168.57.240', 80), /^a /);
    await rules.apply(web([at('a')], { ...balanced, sourceRanges: ['192.0.2.0/24'] }));
    t.equal(await lab.ask('outside', '192.168.57.240', 80, 300), 'TIMEOUT');
    t.match(await lab.ask('outside', '10.96.3.7', 80), /^a /, 'the ClusterIP is not restricted');
  },
};
