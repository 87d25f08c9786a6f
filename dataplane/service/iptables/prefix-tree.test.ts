// The dispatch tree's shape depends only on its content; groups are small; a change touches one path.
import t from 'tap';
import { entriesOf, maxGroup, PrefixTree, type TreeNode } from './prefix-tree';

/** Numerical Recipes' generator: the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const show = (node: TreeNode | undefined): unknown =>
  node && {
    prefix: node.prefix.toString(16),
    length: node.length,
    weight: node.weight,
    branches: node.branches?.map(show),
    entries: node.entries?.map((entry) => [entry.key.toString(16), [...entry.owners].sort()]),
  };

function nodes(node: TreeNode | undefined): TreeNode[] {
  return node ? [node, ...(node.branches ?? []).flatMap(nodes)] : [];
}

t.test('changes in any order end in the same tree', (t) => {
  const random = numbers(7);
  for (const bits of [16, 32, 128]) {
    const tree = new PrefixTree(bits);
    const wanted = new Map<string, bigint>();
    let root: TreeNode | undefined;
    for (let i = 0; i < 3000; i++) {
      const dense = random() < 0.5;
      const key = dense
        ? BigInt(Math.floor(random() * 300))
        : BigInt(Math.floor(random() * 2 ** 16)) << BigInt(bits - 16);
      const owner = `o${Math.floor(random() * 3)}`;
      const id = `${key} ${owner}`;
      if (random() < 0.4) {
        root = tree.set(root, key, owner, []);
        wanted.delete(id);
      } else {
        root = tree.set(root, key, owner, [`rule ${owner}`]);
        wanted.set(id, key);
      }
    }
    let fresh: TreeNode | undefined;
    for (const [id, key] of [...wanted].reverse()) {
      fresh = tree.set(fresh, key, id.split(' ')[1]!, [`rule ${id.split(' ')[1]}`]);
    }
    t.same(show(root), show(fresh), `${bits} bits`);
    t.equal(entriesOf(root!).length, new Set(wanted.values()).size);
  }
  t.end();
});

t.test('groups are small and every entry is below its prefixes', (t) => {
  const random = numbers(11);
  const tree = new PrefixTree(32);
  let root: TreeNode | undefined;
  for (let i = 0; i < 5000; i++) {
    root = tree.set(root, BigInt(Math.floor(random() * 2 ** 20)) + 0x0a600000n, `s${i}`, ['a', 'b']);
  }
  for (const node of nodes(root)) {
    if (node.entries && node.entries.length > 1) t.ok(node.weight <= maxGroup);
    if (node.branches)
      t.ok((node.weight > maxGroup || node.length === 0) && node.branches.length > 1 && node.branches.length <= 16);
    const shift = BigInt(32 - node.length);
    if (!entriesOf(node).every((entry) => entry.key >> shift === node.prefix >> shift)) t.fail('entry outside prefix');
  }
  t.equal(root?.length, 12);
  t.end();
});

t.test('a change copies one path and shares all other nodes', (t) => {
  const tree = new PrefixTree(32);
  let root: TreeNode | undefined;
  for (let i = 0; i < 1000; i++) root = tree.set(root, BigInt(i * 997), `s${i}`, ['a']);
  const before = new Set(nodes(root));
  const changed = nodes(tree.set(root, 5n, 'new', ['a'])).filter((node) => !before.has(node));
  t.ok(changed.length <= 8, `${changed.length} nodes of ${before.size} changed`);
  t.equal(tree.set(root, 123456789n, 'nobody', []), root, 'removing a missing entry changes nothing');
  t.end();
});

t.test('one key with many rules stays one group', (t) => {
  const tree = new PrefixTree(16);
  const many = Array.from({ length: maxGroup + 1 }, (_, i) => `rule ${i}`);
  let root = tree.set(undefined, 80n, 'a', many);
  t.equal(root?.entries?.length, 1);
  root = tree.set(root, 81n, 'b', ['one']);
  t.equal(root?.branches?.length, 2);
  root = tree.set(root, 80n, 'a', []);
  t.same(show(root), show(tree.set(undefined, 81n, 'b', ['one'])));
  t.equal(tree.set(root, 81n, 'b', []), undefined);
  t.end();
});
