import t from 'tap';
import type { Node } from '../../api/node';
import { parseCidr } from '../../base/cidr';
import { type PodRange, planPodCidrs } from './plan';

const range = parseCidr('10.244.0.0/16');
const node = (name: string, podCIDR?: string, second = 0): Node => ({
  metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
  spec: { podCIDR },
});
const plan = (nodes: Node[], cluster = range, reserved?: ReadonlyMap<string, readonly string[]>) =>
  planOf(nodes, [{ cidr: cluster, nodePrefix: 24 }], reserved);
const planOf = (nodes: Node[], ranges: readonly PodRange[], reserved?: ReadonlyMap<string, readonly string[]>) => {
  const { assign, exhausted } = planPodCidrs(nodes, ranges, reserved);
  const given = assign.map(({ node: name, podCidrs }) => `${name} ${podCidrs.join(',')}`);
  return [...given, ...exhausted.map((name) => `${name} none`)];
};
const v6 = parseCidr('fd00:10:244::/56');
const dual = [
  { cidr: range, nodePrefix: 24 },
  { cidr: v6, nodePrefix: 64 },
];

t.test('planPodCidrs', async (t) => {
  const cases = [
    {
      name: 'one each, oldest node first',
      got: plan([node('b', undefined, 2), node('a', undefined, 3), node('c', undefined, 1)]),
      want: ['c 10.244.0.0/24', 'b 10.244.1.0/24', 'a 10.244.2.0/24'],
    },
    {
      name: 'ranges of existing nodes are in use',
      got: plan([node('a', '10.244.0.0/24'), node('b', '10.244.2.0/24'), node('c'), node('d')]),
      want: ['c 10.244.1.0/24', 'd 10.244.3.0/24'],
    },
    {
      name: 'larger ranges set by hand are in use',
      got: plan([node('a', '10.244.0.0/22'), node('b')]),
      want: ['b 10.244.4.0/24'],
    },
    {
      name: 'ranges outside the cluster range do not matter',
      got: plan([node('a', '172.16.0.0/24'), node('b')]),
      want: ['b 10.244.0.0/24'],
    },
    {
      name: 'an unreadable range does not matter',
      got: plan([node('a', 'nonsense'), node('b')]),
      want: ['b 10.244.0.0/24'],
    },
    {
      name: "assigned but not yet in the informer's copy",
      got: plan([node('a'), node('b')], range, new Map([['a', ['10.244.0.0/24']]])),
      want: ['b 10.244.1.0/24'],
    },
    {
      name: 'exhausted',
      got: plan(
        [node('a', undefined, 1), node('b', undefined, 2), node('c', undefined, 3)],
        parseCidr('10.244.0.0/23'),
      ),
      want: ['a 10.244.0.0/24', 'b 10.244.1.0/24', 'c none'],
    },
    {
      name: 'one of each family',
      got: planOf([node('a', undefined, 1), node('b', undefined, 2)], dual),
      want: ['a 10.244.0.0/24,fd00:10:244::/64', 'b 10.244.1.0/24,fd00:10:244:1::/64'],
    },
    {
      name: 'families are assigned independently; a node keeps its existing range',
      got: planOf(
        [
          node('old', '10.244.0.0/24'),
          {
            metadata: { name: 'hand' },
            spec: { podCIDR: '10.244.9.0/24', podCIDRs: ['10.244.9.0/24', 'fd00:10:244::/64'] },
          },
          node('new'),
        ],
        dual,
      ),
      want: ['new 10.244.1.0/24,fd00:10:244:1::/64'],
    },
    {
      name: 'exhausted when one family is exhausted',
      got: planOf(
        [node('a', undefined, 1), node('b', undefined, 2)],
        [dual[0]!, { cidr: parseCidr('fd00:10:244::/64'), nodePrefix: 64 }],
      ),
      want: ['a 10.244.0.0/24,fd00:10:244::/64', 'b none'],
    },
    { name: 'nothing to do', got: plan([node('a', '10.244.0.0/24')]), want: [] },
  ];
  for (const { name, got, want } of cases) t.same(got, want, name);
});
