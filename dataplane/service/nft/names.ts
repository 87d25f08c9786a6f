// Names in the table of Services, in one place. The marks are those of dataplane/netfilter/names.ts: both modes hand packets from
// nat to filter in the same way, and while one takes over from the other both are there.
import type { Family } from '../../../controlplane/base/cidr';
import type { Protocol } from '../../netfilter/model';
import type { TableName } from '../../nftables/nft';

export const tableOf = (family: Family): TableName => ({ family: family === 4 ? 'ip' : 'ip6', name: 'k8ts' });

export const maps = {
  /** Service address, protocol, port: which chain. */
  services: 'services',
  /** Protocol and node port: which chain. */
  nodePorts: 'node-ports',
} as const;

/** Service address, port, number of the endpoint: address and port of the endpoint. */
export const endpointMap = (protocol: Protocol): string => `${protocol}-endpoints`;
/** Node port, number of the endpoint: address and port of the endpoint. */
export const nodeEndpointMap = (protocol: Protocol): string => `node-${protocol}-endpoints`;

export const sets = {
  /** Live ClusterIPs: ports they do not have are refused. */
  clusterIps: 'cluster-ips',
  /** Endpoints of this node, twice in each element: source and destination are the same pod. */
  hairpin: 'hairpin',
} as const;

export const chains = {
  services: 'services',
  /** Ports of pods on addresses of the node, one rule each. */
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

/** Endpoints of pool `local` are numbered from here, those of pool `cluster` from 0. */
export const localOffset = 65_536;

/** As nft prints them with -n. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
