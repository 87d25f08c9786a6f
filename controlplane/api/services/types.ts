// The parts of a Service by name, and which of them each type of Service uses.
import type { V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import type { Wire } from '../types';

export type ServiceSpec = Wire<V1ServiceSpec>;
export type ServicePort = Wire<V1ServicePort>;

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None';
export const isExternalName = (spec: ServiceSpec): boolean => spec.type === 'ExternalName';
export const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
/** Reachable from outside the cluster by more than an ExternalIP. */
export const isExternal = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
