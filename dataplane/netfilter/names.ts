// All names and marks that k8ts puts into netfilter, and which other code must agree on them. All our chains start with
// `chainPrefix`; every other chain is foreign and gets at most one jump rule from us.

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
  /** nat: host ports of pods; entered after `nodePorts`, for the same packets. Exists only while a pod has host ports. */
  hostPorts: 'K8TS-HOSTPORTS',
  /** nat: entered by every new connection from POSTROUTING. */
  postrouting: 'K8TS-POSTROUTING',
  /** nat: clears the masquerade mark and masquerades. */
  masquerade: 'K8TS-MASQ',
  /** nat: connections from a pod to a pod of this node that went through a Service. */
  hairpin: 'K8TS-HAIRPIN',
  /** filter: one chain for each hook that a marked packet can pass. */
  input: 'K8TS-INPUT',
  forward: 'K8TS-FORWARD',
  output: 'K8TS-OUTPUT',
  /** filter: turns the drop and reject marks into verdicts. */
  verdict: 'K8TS-VERDICT',
  /** One rule in each table, checked every few seconds: when it is missing, another program has flushed the table. */
  canary: 'K8TS-CANARY',
} as const;

/** Prefixes of chains for one Service port, one group of addresses, or one group of node ports. */
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
 * Bits of the packet mark. Table nat sets them (only the first packet of a connection passes there); POSTROUTING and filter
 * read them. 0x4000 is the bit that kube-proxy uses for the same purpose, so software that leaves kube-proxy's bit alone leaves
 * ours alone too.
 */
export const marks = {
  masquerade: 0x4000,
  reject: 0x2000,
  drop: 0x8000,
} as const;

/** The one rule that we keep in a foreign chain. */
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
