import t from 'tap';
import { answersOf, type Claim, chooseNode, elect } from './election';

const nodes = ['control', 'worker-1', 'worker-2'];
const addresses = Array.from({ length: 300 }, (_, i) => `192.168.${57 + Math.floor(i / 250)}.${i % 250}`);

t.test('addresses are spread over the nodes', async (t) => {
  const counts = new Map<string, number>();
  for (const address of addresses) {
    const node = chooseNode(address, nodes)!;
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  // 100 each are expected; 3.7 standard deviations of a fair draw.
  for (const node of nodes) t.ok(Math.abs((counts.get(node) ?? 0) - 100) <= 30, `${node}: ${counts.get(node)}`);
});

t.test('when a node stops, only its addresses move, and the order of nodes does not matter', async (t) => {
  for (const address of addresses) {
    const before = chooseNode(address, nodes);
    const after = chooseNode(address, ['worker-2', 'control']);
    if (before !== 'worker-1') t.equal(after, before);
    t.equal(chooseNode(address, [...nodes].reverse()), before);
  }
  t.equal(chooseNode('192.168.57.240', []), undefined);
});

const local = (of: Readonly<Record<string, 1 | 2>>) => new Map(Object.entries(of));
const address = '192.168.57.240';
const any = chooseNode(address, nodes);
const cases: readonly {
  readonly name: string;
  readonly claims: Claim[];
  readonly from?: string[];
  readonly want: unknown;
}[] = [
  { name: 'any node', claims: [{ address }], want: any },
  { name: 'no node', claims: [{ address }], from: [], want: undefined },
  { name: 'the node with endpoints', claims: [{ address, local: local({ 'worker-2': 2 }) }], want: 'worker-2' },
  {
    name: 'ready endpoints before terminating ones',
    claims: [{ address, local: local({ control: 1, 'worker-1': 1, 'worker-2': 2 }) }],
    want: 'worker-2',
  },
  {
    name: 'terminating endpoints before none',
    claims: [{ address, local: local({ 'worker-1': 1 }) }],
    want: 'worker-1',
  },
  { name: 'endpoints on no node', claims: [{ address, local: local({}) }], want: any },
  {
    name: 'endpoints only on an unknown node',
    claims: [{ address, local: local({ 'worker-1': 2 }) }],
    from: ['control'],
    want: 'control',
  },
  {
    name: 'shared: the node with endpoints of both',
    claims: [
      { address, local: local({ control: 2, 'worker-1': 2 }) },
      { address, local: local({ 'worker-1': 2, 'worker-2': 2 }) },
      { address },
    ],
    want: 'worker-1',
  },
];
for (const { name, claims, from = nodes, want } of cases) {
  t.test(name, async (t) => {
    t.equal(elect(claims, from).get(address), want);
  });
}

t.test('while a node restarts, the next node answers with its link address', async (t) => {
  const address = '192.168.57.240';
  const owner = chooseNode(address, nodes)!;
  const others = nodes.filter((name) => name !== owner);
  const next = chooseNode(address, others)!;
  const answers = (self: string, able: string[], held: string[], announced: string[] = []) =>
    answersOf([{ address }], { self, able, held, announced: new Set(announced) }).get(address);
  t.equal(answers(owner, nodes, []), owner);
  t.equal(answers(next, nodes, []), undefined);
  t.equal(answers(next, others, [owner]), owner, 'with the link address of the owner');
  for (const other of others)
    if (other !== next) t.equal(answers(other, others, [owner]), undefined, 'no other node answers');
  t.equal(answers(next, others, [owner], [address]), next, 'a node keeps an announced address until the owner is able');
  t.equal(answers(next, others, []), next, 'the owner has not returned');
  t.equal(answers(owner, [owner, next], [others.find((name) => name !== next)!]), owner);
});
