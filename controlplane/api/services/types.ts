// The parts of a Service by name, and which of them each type of Service uses.
import type { V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import type { Wire } from '../types';

export type ServiceSpec = Wire<V1ServiceSpec>;
export type ServicePort = Wire<V1ServicePort>;

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None';
export const isExternalName = (spec: ServiceSpec): boolean => spec.type === 'ExternalName';
/**
 * Its ports have node ports. A LoadBalancer counts even if it asks that none be allocated: those that it has stay until its
 * writer removes them together with the type, and one that it names is its own.
 */
export const hasNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
/** A port that names no node port gets one. */
export const allocatesNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
/** Reachable from outside the cluster, so that externalTrafficPolicy means something. */
export const isExternallyAccessible = (spec: ServiceSpec): boolean =>
  hasNodePorts(spec) || (spec.externalIPs ?? []).length > 0;
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
