// The compiler's input as plain records: no API objects, both address families together.
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

/** A pod with addresses of its own. Not: pods on the node's network, and pods that have ended. */
export interface PodRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Both families; canonical text. */
  readonly addresses: readonly string[];
  /** The pod runs on this node, so this node judges its traffic. */
  readonly local: boolean;
  readonly ports: readonly NamedPort[];
  /** The pod is being deleted: another pod that claims the same address gets the address. */
  readonly ending: boolean;
}

/** A server on this node's own addresses that policies treat as a pod: the node's DNS server. */
export interface NodeServer extends Omit<PodRecord, 'local' | 'ending'> {
  /** The addresses and ports on which the server receives queries; `ports` are the same ports with their names. */
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
  /** Empty: every peer. */
  readonly peers: readonly Peer[];
  /** Empty: every port, and protocols without ports as well. */
  readonly ports: readonly PortRecord[];
}

export interface PolicyRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly pods: Selector;
  /** Absent: the policy does not affect this direction. Empty: the policy isolates and allows nothing. */
  readonly ingress?: readonly RuleRecord[];
  readonly egress?: readonly RuleRecord[];
}

export interface World {
  /** The address families that pods of this cluster have. */
  readonly families: readonly Family[];
  /** This node's own pod ranges; empty while the node has none. */
  readonly podRanges: readonly string[];
  readonly policies: readonly PolicyRecord[];
  /** Of all nodes. */
  readonly pods: readonly PodRecord[];
  readonly namespaces: readonly NamespaceRecord[];
  readonly servers: readonly NodeServer[];
}
