// Dispatch trees as chains: every node of a PrefixTree is one chain, every branch one rule that narrows the destination.
import { formatAddress, parseAddress } from '../../../controlplane/base/cidr';
import type { Family, Protocol, Rule } from '../../netfilter/model';
import { chainFamilies } from '../../netfilter/names';
import { renderRule } from '../../netfilter/render';
import { shortHash } from '../../netfilter/short-hash';
import { type Entry, PrefixTree, type TreeNode } from './prefix-tree';
import { comment, jump, toPort } from './rule-parts';

/** The differences between the trees: key space, names, and the match that leads into a group. */
export interface TreeShape {
  readonly bits: number;
  readonly parse: (key: string) => bigint;
  readonly chain: (node: TreeNode) => string;
  /** The condition on the packet, and the text for the comment. */
  readonly enter: (node: TreeNode) => { readonly rule: Omit<Rule, 'action'>; readonly words: string };
  readonly bodies: (entry: Entry) => readonly string[];
}

const byOwner = (entry: Entry): readonly string[] =>
  [...entry.owners].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, rules]) => rules);

function addressShape(family: Family, prefix: string, words: string, bodies: TreeShape['bodies']): TreeShape {
  const bits = family === 4 ? 32 : 128;
  const range = (node: TreeNode) => `${formatAddress({ family, value: node.prefix })}/${node.length}`;
  return {
    bits,
    parse: (key) => parseAddress(key).value,
    chain: (node) =>
      prefix + (family === 4 ? `${node.prefix.toString(16).padStart(8, '0')}-${node.length}` : shortHash(range(node))),
    enter: (node) => ({
      rule: { destination: { is: range(node) } },
      words: `${words} ${range(node)}`,
    }),
    bodies,
  };
}

// -A K8TS-SERVICES -d 10.96.0.0/12 -m comment --comment "services 10.96.0.0/12" -j K8TS-D-0a600000-12
export const serviceTree = (family: Family): TreeShape =>
  addressShape(family, chainFamilies.dispatch, 'services', byOwner);

/** A pod may be an endpoint of many Services: one rule is enough, and its comment names the first owner. */
export const hairpinTree = (family: Family): TreeShape =>
  addressShape(family, chainFamilies.hairpin, 'hairpin', (entry) => byOwner(entry).slice(0, 1));

// -A K8TS-NODEPORTS -p tcp -m comment --comment "node ports 30080:30095" -m tcp --dport 30080:30095 -j K8TS-N-tcp-7580-12
export const nodePortTree = (protocol: Protocol): TreeShape => {
  const bits = 16;
  const last = (node: TreeNode) => Number(node.prefix) + 2 ** (bits - node.length) - 1;
  return {
    bits,
    parse: (key) => BigInt(key),
    chain: (node) => `${chainFamilies.nodePort}${protocol}-${node.prefix.toString(16).padStart(4, '0')}-${node.length}`,
    enter: (node) => ({
      rule: { protocol: { is: protocol }, matches: [toPort(protocol, Number(node.prefix), last(node))] },
      words: `node ports ${Number(node.prefix)}:${last(node)}`,
    }),
    bodies: byOwner,
  };
};

/** A root that covers everything would match every packet: it gets no chain, its branches are checked directly. */
const isOpen = (node: TreeNode): boolean => node.length === 0;

/** Up to this many rules replace the jump to their chain: that saves a chain, and most Services have two rules per address. */
const maxInline = 4;
const isInline = (node: TreeNode): boolean => node.entries !== undefined && node.weight <= maxInline;

export class DispatchTree {
  private readonly tree: PrefixTree;
  private root: TreeNode | undefined;
  private shown: TreeNode | undefined;
  constructor(
    private readonly shape: TreeShape,
    private readonly family: Family,
  ) {
    this.tree = new PrefixTree(shape.bits);
  }

  set(key: string, owner: string, rules: readonly string[]): void {
    this.root = this.tree.set(this.root, this.shape.parse(key), owner, rules);
  }

  get changed(): boolean {
    return this.root !== this.shown;
  }

  /** Rules that lead from `chain` into the tree. */
  entrance(chain: string): string {
    const { root } = this;
    if (!root) return '';
    const nodes = isOpen(root) ? (root.branches ?? []) : [root];
    return this.branches(chain, nodes);
  }

  /** Chains that changed since the last call; undefined: the chain was removed. */
  takeChanges(): Map<string, string | undefined> {
    const changes = new Map<string, string | undefined>();
    const kept = new Set<TreeNode>();
    const before = new Set<TreeNode>();
    collect(this.shown, before);
    this.renderNew(this.root, before, kept, changes);
    this.nameGone(this.shown, kept, changes);
    this.shown = this.root;
    return changes;
  }

  private renderNew(
    node: TreeNode | undefined,
    before: ReadonlySet<TreeNode>,
    kept: Set<TreeNode>,
    changes: Map<string, string | undefined>,
  ): void {
    if (!node) return;
    if (before.has(node)) {
      kept.add(node);
      return;
    }
    const chain = this.shape.chain(node);
    if (!isOpen(node) && !isInline(node)) changes.set(chain, this.content(chain, node));
    for (const branch of node.branches ?? []) this.renderNew(branch, before, kept, changes);
  }

  private nameGone(
    node: TreeNode | undefined,
    kept: ReadonlySet<TreeNode>,
    changes: Map<string, string | undefined>,
  ): void {
    if (!node || kept.has(node)) return;
    const chain = this.shape.chain(node);
    if (!changes.has(chain)) changes.set(chain, undefined);
    for (const branch of node.branches ?? []) this.nameGone(branch, kept, changes);
  }

  private content(chain: string, node: TreeNode): string {
    if (node.branches) return this.branches(chain, node.branches);
    return (node.entries ?? [])
      .flatMap((entry) => this.shape.bodies(entry))
      .map((body) => `-A ${chain}${body}\n`)
      .join('');
  }

  private branches(chain: string, nodes: readonly TreeNode[]): string {
    return nodes.map((node) => (isInline(node) ? this.content(chain, node) : this.branch(chain, node))).join('');
  }

  private branch(chain: string, node: TreeNode): string {
    const { rule, words } = this.shape.enter(node);
    const matches = [comment(words), ...(rule.matches ?? [])];
    return `${renderRule(chain, { ...rule, matches, action: jump(this.shape.chain(node)) }, this.family)}\n`;
  }
}

function collect(node: TreeNode | undefined, into: Set<TreeNode>): void {
  if (!node) return;
  into.add(node);
  for (const branch of node.branches ?? []) collect(branch, into);
}
