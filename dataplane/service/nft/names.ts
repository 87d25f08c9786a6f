// Names in the table of Services. The marks are those of dataplane/netfilter/names.ts: both modes pass packets from nat to filter
// with the same bits, because both sets of rules are present while one mode replaces the other.
import type { Family } from '../../../controlplane/base/cidr';
import type { Protocol } from '../../netfilter/model';
import type { TableName } from '../../nftables/nft';

export const tableOf = (family: Family): TableName => ({ family: family === 4 ? 'ip' : 'ip6', name: 'k8ts' });

export const maps = {
  /** Service address, protocol and port → chain. */
  services: 'services',
  /** Protocol and node port → chain. */
  nodePorts: 'node-ports',
} as const;

/** Service address, port and number of the endpoint → address and port of the endpoint. */
export const endpointMap = (protocol: Protocol): string => `${protocol}-endpoints`;
/** Node port and number of the endpoint → address and port of the endpoint. */
export const nodeEndpointMap = (protocol: Protocol): string => `node-${protocol}-endpoints`;

export const sets = {
  /** ClusterIPs in use: every port without a Service port is refused. */
  clusterIps: 'cluster-ips',
  /** Endpoints of this node, twice in each element: as source and as destination of a pod that reaches itself. */
  hairpin: 'hairpin',
} as const;

export const chains = {
  services: 'services',
  /** Host ports of pods, one rule each. */
  hostPorts: 'host-ports',
  postrouting: 'nat-postrouting',
  prerouting: 'nat-prerouting',
  output: 'nat-output',
  filterInput: 'filter-input',
  filterForward: 'filter-forward',
  filterOutput: 'filter-output',
  verdict: 'refused',
  reject: 'mark-for-reject',
  drop: 'mark-for-drop',
  masquerade: 'hide-source',
} as const;

/** Endpoints of pool `local` have numbers from here on, those of pool `cluster` from 0. */
export const localOffset = 65_536;

/** Protocol numbers, as nft prints them with -n. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
