// The dispatch tree: keys of a fixed number of bits (addresses, ports) in groups so small that a list of them is fast. Its shape
// depends only on its content, not on the order of changes, and a change touches only the nodes on one path.

/** Bits that one node compares: 16 branches a level keep both the depth and the list in one node short. */
export const stepBits = 4;
/**
 * A group with more rules than this is divided, unless they all belong to one key. Fewer, larger groups cost a packet some 10
 * ns per rule. More, smaller groups cost every write, because iptables-restore first reads all chains from the kernel. A group
 * whose keys share no prefix is always divided: the rule that leads to it would have to match every packet.
 */
export const maxGroup = 48;

/** The rules of a key: owner (a Service port) → its rules. */
export interface Entry {
  readonly key: bigint;
  readonly owners: ReadonlyMap<string, readonly string[]>;
}

export interface TreeNode {
  /** The common first bits of all keys below; the other bits are zero. */
  readonly prefix: bigint;
  /** Number of significant bits in `prefix`; a multiple of stepBits. */
  readonly length: number;
  /** Number of rules below. */
  readonly weight: number;
  /** Either branches, in order of their prefix, … */
  readonly branches?: readonly TreeNode[];
  /** … or entries, in order of their key. */
  readonly entries?: readonly Entry[];
}

/** A persistent tree: set() returns a new root that shares every node it did not touch. */
export class PrefixTree {
  constructor(private readonly bits: number) {}

  /**
   * The tree with `rules` for this owner at this key; an empty list removes the owner from the key. Undefined is the empty
   * tree.
   */
  set(root: TreeNode | undefined, key: bigint, owner: string, rules: readonly string[]): TreeNode | undefined {
    if (!root) return rules.length === 0 ? undefined : this.leaf([{ key, owners: new Map([[owner, rules]]) }]);
    if (!this.covers(root, key)) return rules.length === 0 ? root : this.join(root, key, owner, rules);
    if (root.entries) return this.group(changed(root.entries, key, owner, rules));
    const branches: TreeNode[] = [];
    let found = false;
    for (const branch of root.branches ?? []) {
      if (found || this.digit(branch.prefix, root.length) !== this.digit(key, root.length)) branches.push(branch);
      else {
        found = true;
        const next = this.set(branch, key, owner, rules);
        if (next) branches.push(next);
      }
    }
    if (!found) {
      const added = this.set(undefined, key, owner, rules);
      if (!added) return root;
      branches.push(added);
      branches.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
    }
    return this.parent(root.prefix, root.length, branches);
  }

  private join(root: TreeNode, key: bigint, owner: string, rules: readonly string[]): TreeNode | undefined {
    const length = this.common(root.prefix, key, root.length);
    const added = this.leaf([{ key, owners: new Map([[owner, rules]]) }]);
    const branches = [root, added].sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
    return this.parent(this.mask(key, length), length, branches);
  }

  private parent(prefix: bigint, length: number, branches: readonly TreeNode[]): TreeNode | undefined {
    if (branches.length <= 1) return branches[0];
    const weight = branches.reduce((sum, branch) => sum + branch.weight, 0);
    if (weight <= maxGroup && length > 0) return this.leaf(branches.flatMap(entriesOf));
    return { prefix, length, weight, branches };
  }

  /** Divides sorted, non-empty entries until every group is small. */
  private group(entries: readonly Entry[]): TreeNode | undefined {
    if (entries.length === 0) return undefined;
    const leaf = this.leaf(entries);
    if ((leaf.weight <= maxGroup && leaf.length > 0) || entries.length === 1) return leaf;
    const byDigit = Map.groupBy(entries, (entry) => this.digit(entry.key, leaf.length));
    const branches = [...byDigit.values()].flatMap((group) => this.group(group) ?? []);
    return { prefix: leaf.prefix, length: leaf.length, weight: leaf.weight, branches };
  }

  private leaf(entries: readonly Entry[]): TreeNode {
    const first = entries[0]!.key;
    const length = this.common(first, entries[entries.length - 1]!.key, this.bits);
    const weight = entries.reduce((sum, entry) => sum + weigh(entry), 0);
    return { prefix: this.mask(first, length), length, weight, entries };
  }

  private covers(node: TreeNode, key: bigint): boolean {
    return this.mask(key, node.length) === node.prefix;
  }

  private mask(key: bigint, length: number): bigint {
    const rest = BigInt(this.bits - length);
    return (key >> rest) << rest;
  }

  private digit(key: bigint, at: number): number {
    return Number((key >> BigInt(this.bits - at - stepBits)) & BigInt((1 << stepBits) - 1));
  }

  /** Number of leading bits that two keys share, at most `limit`, rounded down to a multiple of stepBits. */
  private common(a: bigint, b: bigint, limit: number): number {
    const differ = a ^ b;
    const shared = differ === 0n ? this.bits : this.bits - differ.toString(2).length;
    const bounded = Math.min(shared, limit);
    return bounded - (bounded % stepBits);
  }
}

const weigh = (entry: Entry): number => {
  let sum = 0;
  for (const rules of entry.owners.values()) sum += rules.length;
  return sum;
};

export function entriesOf(node: TreeNode): readonly Entry[] {
  return node.entries ?? (node.branches ?? []).flatMap(entriesOf);
}

function changed(entries: readonly Entry[], key: bigint, owner: string, rules: readonly string[]): readonly Entry[] {
  const old = entries.find((entry) => entry.key === key);
  const owners = new Map(old?.owners);
  if (rules.length > 0) owners.set(owner, rules);
  else owners.delete(owner);
  const rest = entries.filter((entry) => entry !== old);
  if (owners.size === 0) return rest;
  return [...rest, { key, owners }].sort((a, b) => (a.key < b.key ? -1 : 1));
}
