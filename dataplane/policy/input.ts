// What the compiler needs to know, in plain records: no API objects, both address families at once.
import type { Family } from '../../controlplane/base/cidr';

export type Protocol = 'tcp' | 'udp' | 'sctp';
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** All requirements must hold; an empty list selects everything. */
export type Selector = readonly Requirement[];
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}
export type Labels = Readonly<Record<string, string>>;

export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod with addresses of its own: one that shares its node's network is none, and one that has ended is none. */
export interface PodRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Both families; canonical text. */
  readonly addresses: readonly string[];
  /** It runs on this node: its traffic is judged here. */
  readonly local: boolean;
  readonly ports: readonly NamedPort[];
  /** Being deleted: another pod that claims the same address has the better right to it. */
  readonly ending: boolean;
}

/** Something on this node's own addresses that policies shall treat as a pod: the node's DNS server. */
export interface NodeServer extends Omit<PodRecord, 'local' | 'ending'> {
  /** Where it is asked; `ports` are the same with their names. */
  readonly endpoints: readonly ServerEndpoint[];
}
export interface ServerEndpoint {
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** `namespaces` absent: the pods of the policy's own namespace. `pods` absent: all of these namespaces. */
export interface PodPeer {
  readonly namespaces?: Selector;
  readonly pods?: Selector;
}
export interface BlockPeer {
  readonly cidr: string;
  readonly except: readonly string[];
}
export type Peer = PodPeer | BlockPeer;
export const isBlock = (peer: Peer): peer is BlockPeer => 'cidr' in peer;

/** `port` absent: every port of the protocol. */
export interface PortRecord {
  readonly protocol: Protocol;
  readonly port?: number | string;
  readonly endPort?: number;
}

export interface RuleRecord {
  /** Empty: everybody. */
  readonly peers: readonly Peer[];
  /** Empty: every port, and protocols without ports as well. */
  readonly ports: readonly PortRecord[];
}

export interface PolicyRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly pods: Selector;
  /** Absent: says nothing about this direction. Empty: isolates and allows nothing. */
  readonly ingress?: readonly RuleRecord[];
  readonly egress?: readonly RuleRecord[];
}

export interface World {
  /** Families pods of this cluster have addresses of. */
  readonly families: readonly Family[];
  /** This node's own pod ranges; none while the node has none. */
  readonly podRanges: readonly string[];
  readonly policies: readonly PolicyRecord[];
  /** Of all nodes. */
  readonly pods: readonly PodRecord[];
  readonly namespaces: readonly NamespaceRecord[];
  readonly servers: readonly NodeServer[];
}
