// Which node answers for an address. Every announcer decides for itself, from the same facts by the same rule: no votes, no
// leases. When a node stops, only its own addresses move. Pure.

/**
 * 32 bits, well mixed: FNV-1a, then the finalizer of MurmurHash3. Without the finalizer, names that differ only at their end
 * get close hashes.
 */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Rendezvous hashing: the node with the highest weight for this address. Undefined without nodes. */
export function chooseNode(address: string, nodes: readonly string[]): string | undefined {
  let best: { node: string; weight: number } | undefined;
  for (const node of nodes) {
    const weight = hash(`${node}\0${address}`);
    if (!best || weight > best.weight || (weight === best.weight && node < best.node)) best = { node, weight };
  }
  return best?.node;
}

/** What one Service requires of the node that answers for its address. */
export interface Claim {
  readonly address: string;
  /**
   * externalTrafficPolicy Local: node → 2 with ready endpoints, 1 with only terminating endpoints that still serve. Absent: any
   * node can answer.
   */
  readonly local?: ReadonlyMap<string, 1 | 2>;
}

/**
 * Address → node that announces it. Services that share an address have one announcer, so a node has the lowest rank that any
 * of these Services gives it. When no node has endpoints, any node announces: the client is refused at once instead of waiting.
 */
export function elect(claims: Iterable<Claim>, nodes: readonly string[]): Map<string, string> {
  const byAddress = new Map<string, Claim[]>();
  for (const claim of claims) byAddress.set(claim.address, [...(byAddress.get(claim.address) ?? []), claim]);
  const elected = new Map<string, string>();
  for (const [address, shared] of byAddress) {
    const rank = (node: string) => Math.min(...shared.map(({ local }) => (local ? (local.get(node) ?? 0) : 2)));
    const ranks = nodes.map((node) => ({ node, rank: rank(node) }));
    const best = Math.max(...ranks.map((one) => one.rank));
    const winner = chooseNode(
      address,
      ranks.filter((one) => one.rank === best).map(({ node }) => node),
    );
    if (winner !== undefined) elected.set(address, winner);
  }
  return elected;
}

export interface Candidates {
  readonly self: string;
  /** Nodes that can answer now. */
  readonly able: readonly string[];
  /** Nodes whose process is restarting; none of them is in `able`. */
  readonly held: readonly string[];
  /** Addresses that this node announces. */
  readonly announced: ReadonlySet<string>;
}

/**
 * Address → node whose link address this node answers with: mostly its own. While the elected node's process restarts, the next
 * node answers with the elected node's link address, so that connections stay on their path. An address that this node
 * announces stays here until the elected node is able.
 */
export function answersOf(claims: readonly Claim[], { self, able, held, announced }: Candidates): Map<string, string> {
  const answers = new Map<string, string>();
  const later = held.length > 0 ? elect(claims, [...able, ...held]) : undefined;
  for (const [address, node] of elect(claims, able)) {
    if (node !== self) continue;
    answers.set(address, announced.has(address) ? self : (later?.get(address) ?? self));
  }
  return answers;
}
