// What the compiler needs to know, in plain records: no API objects, one family at a time.
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
   * Ready, but left to clients of other nodes or zones by its hints (spec.trafficDistribution), while there are others nearer
   * to this node. It says nothing where only endpoints of this node are asked for.
   */
  readonly elsewhere?: true;
}

export interface ServicePort {
  /** Port name, or '' for the only port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
  /** Of a pod: this port of the node's own addresses, or of `hostIp` alone, leads to it. */
  readonly hostPort?: number;
  readonly hostIp?: string;
  readonly endpoints: readonly Endpoint[];
}

/** One Service as one address family sees it; or a pod that wants ports of its node. */
export interface ServiceInput {
  /** `namespace/name`; of a pod `pod:namespace/name`. */
  readonly key: string;
  /** Absent: a pod. Host ports are then all that leads to it. */
  readonly clusterIp?: string;
  readonly externalIps: readonly string[];
  readonly loadBalancerIps: readonly string[];
  /** Absent: everybody may use the load balancer addresses. */
  readonly sourceRanges?: readonly string[];
  /** Client address affinity, in seconds; absent: none. */
  readonly affinitySeconds?: number;
  /** internalTrafficPolicy: Local */
  readonly internalLocal: boolean;
  /** externalTrafficPolicy: Local */
  readonly externalLocal: boolean;
  /** Where load balancers ask whether this node has local endpoints. */
  readonly healthCheckPort?: number;
  readonly ports: readonly ServicePort[];
}

/** What is true for this node, for one address family. */
export interface NodeFacts {
  /** Range of all pods of the cluster. */
  readonly clusterCidr: string;
  /** Range of this node's pods; absent while not known. */
  readonly podCidr?: string;
  /** Ranges that ClusterIPs are taken from: an address in them that no Service has leads nowhere. */
  readonly serviceCidrs?: readonly string[];
  /** Node ports are open on addresses of this node in these ranges; absent: on all of them. Never on loopback. */
  readonly nodePortAddresses?: readonly string[];
}

/** `namespace/name:port`, as comments, logs and hashes name a Service port. */
export const portId = (service: ServiceInput, port: ServicePort): string =>
  port.name === '' ? service.key : `${service.key}:${port.name}`;
