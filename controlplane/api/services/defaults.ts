// The defaults of a Service that do not depend on the cluster. The API server, which has the cluster's ranges, decides families
// and addresses; carry-over.ts decides which fields of the stored Service an update keeps.
import { isExternallyAccessible, isExternalName, type ServicePort, type ServiceSpec } from './types';

/** sessionAffinityConfig.clientIP.timeoutSeconds: three hours. */
export const defaultAffinitySeconds = 3 * 60 * 60;

export function defaultService(spec: ServiceSpec): void {
  spec.sessionAffinity ??= 'None';
  spec.type ??= 'ClusterIP';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= defaultAffinitySeconds;
  }
  for (const port of spec.ports ?? []) defaultPort(port);
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (!isExternalName(spec)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** Of a new Service: a client of a release before dual stack sets only clusterIP. Who sets the list must set both. */
export function alignNewAddresses(spec: ServiceSpec): void {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
}

function defaultPort(port: ServicePort): void {
  port.protocol ??= 'TCP';
  if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
}
