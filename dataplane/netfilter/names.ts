// All names and marks this project puts into netfilter, and who else must agree on them. Everything of ours starts with
// `chainPrefix`; whatever does not start with it belongs to somebody else and gets at most one jump rule from us.

/** The tables we write, in the order they are restored. */
export const ownedTables = ['nat', 'filter'] as const;
export type OwnedTable = (typeof ownedTables)[number];

/** Every chain of ours. Chain names are at most 28 bytes long (XT_EXTENSION_MAXNAMELEN less the final zero). */
export const chainPrefix = 'K8TS-';
export const maxChainName = 28;

/** Chains whose content depends on node facts alone. */
export const chains = {
  /** nat: entered by every new connection from PREROUTING and OUTPUT. */
  services: 'K8TS-SERVICES',
  /** nat: entered for addresses of this node other than loopback. */
  nodePorts: 'K8TS-NODEPORTS',
  /** nat: host ports of pods; entered like the one before, behind it. There only while there are any. */
  hostPorts: 'K8TS-HOSTPORTS',
  /** nat: entered by every new connection from POSTROUTING. */
  postrouting: 'K8TS-POSTROUTING',
  /** nat: takes the masquerade mark off and masquerades. */
  masquerade: 'K8TS-MASQ',
  /** nat: connections from a pod to a pod of this node that went through a Service. */
  hairpin: 'K8TS-HAIRPIN',
  /** filter: one for each hook a marked packet can come to. */
  input: 'K8TS-INPUT',
  forward: 'K8TS-FORWARD',
  output: 'K8TS-OUTPUT',
  /** filter: turns the drop and reject marks into verdicts. */
  verdict: 'K8TS-VERDICT',
  /** One rule in each table that is looked for every few seconds: gone means somebody flushed the table. */
  canary: 'K8TS-CANARY',
} as const;

/** Prefixes of chains made per Service port, per group of addresses, per group of node ports. */
export const chainFamilies = {
  /** Picks one of all usable endpoints. */
  cluster: 'K8TS-SVC-',
  /** Picks one of the usable endpoints on this node. */
  local: 'K8TS-SVL-',
  /** Traffic from outside: node ports, load balancer and external addresses. */
  external: 'K8TS-EXT-',
  /** loadBalancerSourceRanges. */
  sourceRanges: 'K8TS-FW-',
  /** Groups of Service addresses. */
  dispatch: 'K8TS-D-',
  /** Groups of node ports. */
  nodePort: 'K8TS-N-',
  /** Groups of local endpoint addresses, for hairpin. */
  hairpin: 'K8TS-H-',
} as const;

/**
 * Bits of the packet mark. They are set in nat (where only the first packet of a connection passes) and read in
 * POSTROUTING and filter. 0x4000 is the bit kube-proxy uses for the same purpose, so that other software which
 * leaves that bit alone for kube-proxy's sake leaves it alone for ours.
 */
export const marks = {
  masquerade: 0x4000,
  reject: 0x2000,
  drop: 0x8000,
} as const;

/** The one rule we keep in each chain that is not ours. */
export interface Jump {
  readonly table: OwnedTable;
  readonly from: string;
  readonly to: string;
}
export const jumps: readonly Jump[] = [
  { table: 'nat', from: 'PREROUTING', to: chains.services },
  { table: 'nat', from: 'OUTPUT', to: chains.services },
  { table: 'nat', from: 'POSTROUTING', to: chains.postrouting },
  { table: 'filter', from: 'INPUT', to: chains.input },
  { table: 'filter', from: 'FORWARD', to: chains.forward },
  { table: 'filter', from: 'OUTPUT', to: chains.output },
];

export const isOwnChain = (name: string): boolean => name.startsWith(chainPrefix);
