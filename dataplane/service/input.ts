// The compiler's input as plain records: no API objects, one family at a time.
import type { Protocol } from '../netfilter/model';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** True when the endpoint runs on this node. */
  readonly local: boolean;
  /**
   * Ready, but its hints reserve it for clients of other nodes or zones (spec.trafficDistribution) while closer endpoints
   * exist. Ignored when only endpoints of this node count.
   */
  readonly elsewhere?: true;
}

export interface ServicePort {
  /** Port name, or '' for the only port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
  /** For a pod: this port on the node's own addresses, or on `hostIp` alone, leads to the pod. */
  readonly hostPort?: number;
  readonly hostIp?: string;
  readonly endpoints: readonly Endpoint[];
}

/** One Service in one address family; or a pod with host ports. */
export interface ServiceInput {
  /** `namespace/name`; for a pod `pod:namespace/name`. */
  readonly key: string;
  /** Absent: a pod, which is reached only through its host ports. */
  readonly clusterIp?: string;
  readonly externalIps: readonly string[];
  readonly loadBalancerIps: readonly string[];
  /** Absent: all sources may use the load balancer addresses. */
  readonly sourceRanges?: readonly string[];
  /** Client address affinity, in seconds; absent: none. */
  readonly affinitySeconds?: number;
  /** internalTrafficPolicy: Local */
  readonly internalLocal: boolean;
  /** externalTrafficPolicy: Local */
  readonly externalLocal: boolean;
  /** The port where load balancers check whether this node has local endpoints. */
  readonly healthCheckPort?: number;
  readonly ports: readonly ServicePort[];
}

/** Facts about this node, for one address family. */
export interface NodeFacts {
  /** Range of all pods of the cluster. */
  readonly clusterCidr: string;
  /** Range of this node's pods; absent while unknown. */
  readonly podCidr?: string;
  /** Ranges from which ClusterIPs are allocated: an address in them without a Service leads nowhere. */
  readonly serviceCidrs?: readonly string[];
  /** Node ports are open on this node's addresses in these ranges; absent: on all of them. Never on loopback. */
  readonly nodePortAddresses?: readonly string[];
}

/** `namespace/name:port`: the name of a Service port in comments, logs and hashes. */
export const portId = (service: ServiceInput, port: ServicePort): string =>
  port.name === '' ? service.key : `${service.key}:${port.name}`;
