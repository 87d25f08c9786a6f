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
}

export interface ServicePort {
  /** Port name, or '' for the only port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
  readonly endpoints: readonly Endpoint[];
}

/** One Service as one address family sees it. */
export interface ServiceInput {
  /** `namespace/name`. */
  readonly key: string;
  /** Absent: the Service has no address of this family, or is headless; then it has no rules. */
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
}

/** `namespace/name:port`, as comments, logs and hashes name a Service port. */
export const portId = (service: ServiceInput, port: ServicePort): string =>
  port.name === '' ? service.key : `${service.key}:${port.name}`;
