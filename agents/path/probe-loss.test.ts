import t from 'tap';
import type { ProbeOrder } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { ClusterReader } from './cluster';
import type { Followed } from './follow';
import { probeLoss } from './probe-loss';
import type { Target } from './target';

const rule = { place: 'filter FORWARD:1', rule: '-m statistic --mode random -j DROP', verdict: 'drop', objects: [] };
const hop = (more: object): LocatedHop => ({
  ...{ kind: 'hook', name: 'forward', state: 'stops', facts: [], leg: 'request', node: 'w1' },
  rules: [{ ...rule, ...more }],
});
const ask = async (hops: readonly LocatedHop[], lost: number, protocol: 'tcp' | 'udp' = 'tcp') => {
  const orders: ProbeOrder[] = [];
  const probe: ClusterReader['probe'] = async (_node, order) => {
    orders.push(order);
    const results = (order.requests ?? []).map((_, i) => ({
      outcome: i < lost ? ('timeout' as const) : ('connected' as const),
      totalMs: 1,
    }));
    return { results, sightings: [], lost: 0 };
  };
  const followed = { hops } as unknown as Followed;
  const target = { address: '10.96.0.7', port: 80, protocol } as Target;
  const sender = { label: 'pod a', node: 'w1', origin: { kind: 'pod', pod: 'x/a' }, addresses: [] } as const;
  const found = await probeLoss({ sender, target, followed, hops }, { cluster: { probe } as ClusterReader });
  return { found, orders };
};

t.test('a rule that drops by chance is tried eight times', async (t) => {
  const { found, orders } = await ask([hop({ byChance: true })], 3);
  t.equal(orders[0]?.requests?.length, 8);
  t.match(found, [
    { hop: { state: 'doubtful', fault: { code: 'LostByChance', message: /^3 of 8 more probes were lost/ } } },
  ]);
  t.strictSame((await ask([hop({ byChance: true })], 0)).found, [], 'nothing was lost');
});

t.test('nothing more is sent', async (t) => {
  t.strictSame((await ask([hop({})], 3)).orders, [], 'without chance');
  t.strictSame((await ask([hop({ byChance: true, writer: 'kube-proxy of k8ts' })], 3)).orders, [], 'between endpoints');
  t.strictSame((await ask([hop({ byChance: true })], 3, 'udp')).orders, [], 'where no answer has to come');
});
