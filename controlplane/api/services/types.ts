// The parts of a Service by name, and which of them each type of Service uses.
import type { V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import type { Wire } from '../types';

export type ServiceSpec = Wire<V1ServiceSpec>;
export type ServicePort = Wire<V1ServicePort>;

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None';
export const isExternalName = (spec: ServiceSpec): boolean => spec.type === 'ExternalName';
/**
 * True for types whose ports may have node ports. A LoadBalancer counts even with allocateLoadBalancerNodePorts: false: present
 * node ports stay until the writer changes the type, and the writer may name node ports.
 */
export const hasNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
/** True when a port without a node port gets one. */
export const allocatesNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
/** True when the Service is reachable from outside the cluster; then externalTrafficPolicy has a meaning. */
export const isExternallyAccessible = (spec: ServiceSpec): boolean =>
  hasNodePorts(spec) || (spec.externalIPs ?? []).length > 0;
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
