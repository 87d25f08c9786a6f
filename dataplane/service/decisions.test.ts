// The decisions for a Service port, one feature at a time.
import t from 'tap';
import { endpoint, service, servicePort } from '../../test/lib/service-fixture';
import { decidePort } from './decisions';
import type { NodeFacts, ServiceInput, ServicePort } from './input';

const facts: NodeFacts = { clusterCidr: '10.244.0.0/16', podCidr: '10.244.1.0/24' };
const here = endpoint('10.244.1.5', 8080, { local: true });
const there = endpoint('10.244.2.9', 8080);

function decide(changes: Partial<ServiceInput>, portChanges: Partial<ServicePort> = {}, nodeFacts = facts) {
  const port = servicePort({ endpoints: [there, here], ...portChanges });
  const { pools, ...rest } = decidePort(
    service('shop/web', '10.96.3.7', { ...changes, ports: [port] }),
    port,
    nodeFacts,
  );
  return { ...rest, pools: [...pools].map(([pool, list]) => `${pool}: ${list.map((one) => one.address).join(' ')}`) };
}
const ways = (decided: ReturnType<typeof decide>) =>
  decided.frontends.map((one) => `${one.kind === 'nodePort' ? one.nodePort : one.address} ${one.way.to}`);

t.test('ClusterIP: any endpoint, and no other decisions', (t) => {
  const decided = decide({});
  t.strictSame(decided, {
    id: 'shop/web:http',
    frontends: [{ kind: 'clusterIp', address: '10.96.3.7', way: { to: 'cluster' } }],
    pools: ['cluster: 10.244.1.5 10.244.2.9'],
    hideOutside: '10.244.0.0/16',
    hairpin: ['10.244.1.5'],
  });
  t.end();
});

t.test('without an address of this family there are no frontends', (t) => {
  const port = servicePort({ endpoints: [here], nodePort: 30080 });
  const { clusterIp: _, ...headless } = service('shop/web', '', { ports: [port], externalIps: ['203.0.113.9'] });
  t.same(decidePort(headless, port, facts).frontends, []);
  t.end();
});

t.test('no endpoints: refused everywhere, whatever the policies and source ranges are', (t) => {
  const local = { internalLocal: true, externalLocal: true };
  const outside = { loadBalancerIps: ['192.0.2.1'], sourceRanges: ['10.0.0.0/8'] };
  const decided = decide({ ...local, ...outside }, { endpoints: [], nodePort: 30080 });
  t.strictSame(ways(decided), ['10.96.3.7 reject', '192.0.2.1 reject', '30080 reject']);
  t.match(decided, { pools: [], external: undefined, sourceRanges: undefined });
  t.end();
});

t.test(
  'external policy Cluster hides every source except own pods, and all sources while the pod range is not known',
  (t) => {
    const decided = decide({}, { nodePort: 30080 });
    t.strictSame(ways(decided), ['10.96.3.7 cluster', '30080 external']);
    t.strictSame(decided.external, { hide: { except: '10.244.1.0/24' }, others: { to: 'cluster' } });
    const unknown = decide({}, { nodePort: 30080 }, { clusterCidr: '10.244.0.0/16' });
    t.strictSame(unknown.external, { hide: {}, others: { to: 'cluster' } });
    t.end();
  },
);

t.test('external policy Local: others reach only local endpoints, insiders all endpoints', (t) => {
  const decided = decide({ externalLocal: true }, { nodePort: 30080 });
  t.strictSame(decided.external, { insiders: '10.244.1.0/24', others: { to: 'local' } });
  t.strictSame(decided.pools, ['cluster: 10.244.1.5 10.244.2.9', 'local: 10.244.1.5']);
  const away = decide({ externalLocal: true }, { nodePort: 30080, endpoints: [there] });
  t.strictSame(away.external?.others, { to: 'drop', because: 'has no local endpoints' });
  t.strictSame(away.pools, ['cluster: 10.244.2.9']);
  t.end();
});

t.test('internal policy Local: local endpoints, or nothing', (t) => {
  t.strictSame(decide({ internalLocal: true }).pools, ['local: 10.244.1.5']);
  const away = decide({ internalLocal: true }, { endpoints: [there] });
  t.strictSame(ways(away), ['10.96.3.7 drop']);
  t.strictSame(away.pools, []);
  t.end();
});

t.test('source ranges protect only load balancer addresses, also one that is an external address too', (t) => {
  const decided = decide({
    externalIps: ['203.0.113.9', '192.0.2.1'],
    loadBalancerIps: ['192.0.2.1'],
    sourceRanges: ['203.0.113.0/24', '198.51.100.0/24'],
  });
  t.strictSame(
    decided.frontends.map((one) => (one.kind === 'address' ? `${one.address} ${one.guarded}` : one.kind)),
    ['clusterIp', '203.0.113.9 false', '192.0.2.1 true'],
  );
  t.strictSame(decided.sourceRanges, ['198.51.100.0/24', '203.0.113.0/24']);
  t.end();
});

t.test(
  'without ready endpoints, terminating endpoints that serve are used, separately for the local endpoints',
  (t) => {
    const leaving = { ...here, ready: false, terminating: true };
    const decided = decide({ externalLocal: true }, { nodePort: 30080, endpoints: [there, leaving] });
    t.strictSame(decided.pools, ['cluster: 10.244.2.9', 'local: 10.244.1.5']);
    t.strictSame(decided.hairpin, ['10.244.1.5']);
    t.end();
  },
);
