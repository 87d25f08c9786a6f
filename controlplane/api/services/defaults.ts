// The defaults of a Service that do not depend on the cluster, and what an update carries over from the stored one: addresses
// and ports that were allocated stay although the writer does not repeat them. Address families and allocation belong to the
// API server, which knows the cluster's ranges.
import { isDeepStrictEqual } from 'node:util';
import {
  hasNodePorts,
  isExternal,
  isExternalName,
  needsHealthCheckPort,
  type ServicePort,
  type ServiceSpec,
} from './types';

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
  if (isExternal(spec) || spec.externalIPs?.length) spec.externalTrafficPolicy ??= 'Cluster';
  if (!isExternalName(spec)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  else if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
}

function defaultPort(port: ServicePort): void {
  port.protocol ??= 'TCP';
  if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
}

/** Before an update is validated: keeps what was allocated, and drops what the new type has no use for. */
export function carryOver(spec: ServiceSpec, old: ServiceSpec): void {
  alignAddresses(spec, old);
  if (spec.type !== old.type) dropUnused(spec, old);
  if (!isExternalName(spec) && !isExternalName(old)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && spec.clusterIP === old.clusterIP && old.clusterIPs)
      spec.clusterIPs = [...old.clusterIPs];
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) carryNodePorts(spec.ports ?? [], old.ports ?? []);
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(old)) spec.healthCheckNodePort ||= old.healthCheckNodePort;
}

/** clusterIP is the first of clusterIPs: of the two, the one the writer changed decides. */
function alignAddresses(spec: ServiceSpec, old: ServiceSpec): void {
  const sameList = isDeepStrictEqual(spec.clusterIPs, old.clusterIPs);
  if (spec.clusterIP !== old.clusterIP && sameList) {
    if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP, ...(spec.clusterIPs ?? []).slice(1)];
    else delete spec.clusterIPs;
  } else if (spec.clusterIP === old.clusterIP && !sameList && spec.clusterIPs?.[0]) {
    spec.clusterIP = spec.clusterIPs[0];
  }
}

function carryNodePorts(ports: ServicePort[], old: readonly ServicePort[]): void {
  const taken = new Set(ports.map(({ nodePort, protocol }) => `${protocol}/${nodePort}`));
  for (const port of ports) {
    if (port.nodePort) continue;
    const before = old.find((one) => one.protocol === port.protocol && one.port === port.port);
    if (before?.nodePort && !taken.has(`${before.protocol}/${before.nodePort}`)) port.nodePort = before.nodePort;
  }
}

/** A writer that only changes the type leaves the fields of the old type behind without meaning them. */
function dropUnused(spec: ServiceSpec, old: ServiceSpec): void {
  if (isExternalName(spec)) {
    if (spec.clusterIP === old.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    if (spec.internalTrafficPolicy === old.internalTrafficPolicy) delete spec.internalTrafficPolicy;
  }
  if (!hasNodePorts(spec) && hasNodePorts(old)) {
    const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of spec.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort;
  }
  if (!isExternal(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (!needsHealthCheckPort(spec) && spec.healthCheckNodePort === old.healthCheckNodePort)
    delete spec.healthCheckNodePort;
  if (spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
}
