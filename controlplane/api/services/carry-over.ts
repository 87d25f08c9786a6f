// The only place for the rules which fields of the stored Service an update keeps and drops. The steps have upstream's order:
// allocated values stay although the writer does not repeat them (upstream: patchAllocatedValues), clusterIP and clusterIPs are
// made equal (normalizeClusterIPs), then fields that the new type does not use are dropped (dropTypeDependentFields).
import { isDeepStrictEqual } from 'node:util';
import {
  hasNodePorts,
  isExternallyAccessible,
  isExternalName,
  needsHealthCheckPort,
  type ServicePort,
  type ServiceSpec,
} from './types';

/** Runs before an update is validated. */
export function carryOver(spec: ServiceSpec, old: ServiceSpec): void {
  keepAllocated(spec, old);
  alignAddresses(spec, old);
  dropUnused(spec, old);
}

function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (!isExternalName(spec) && !isExternalName(old)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) keepNodePorts(spec.ports ?? [], old.ports ?? []);
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(old) && old.healthCheckNodePort) {
    spec.healthCheckNodePort ||= old.healthCheckNodePort;
  }
}

/** Finds the old port by its name, since the writer may change number and protocol. */
function keepNodePorts(ports: readonly ServicePort[], old: readonly ServicePort[]): void {
  const named = new Set(ports.map(({ nodePort }) => nodePort));
  const before = new Map(old.map(({ name = '', nodePort }) => [name, nodePort]));
  for (const port of ports) {
    const nodePort = before.get(port.name ?? '');
    // The writer may have moved the number to another port.
    if (!port.nodePort && nodePort && !named.has(nodePort)) port.nodePort = nodePort;
  }
}

/** clusterIP is the first of clusterIPs: an old client changes only clusterIP. Who changes the list must change both. */
function alignAddresses(spec: ServiceSpec, old: ServiceSpec): void {
  const sameList = isDeepStrictEqual(spec.clusterIPs, old.clusterIPs);
  if (spec.clusterIP !== old.clusterIP && sameList) {
    if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
    else delete spec.clusterIPs;
  }
}

/** Drops unchanged fields of the old type: a writer that changes only the type does not mean them. Validation refuses changed ones. */
function dropUnused(spec: ServiceSpec, old: ServiceSpec): void {
  const lost = (needs: (of: ServiceSpec) => boolean) => needs(old) && !needs(spec);
  if (lost((of) => !isExternalName(of))) {
    if (spec.clusterIP === old.clusterIP && isDeepStrictEqual(spec.clusterIPs, old.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    for (const field of ['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'] as const) dropSame(spec, old, field);
  }
  if (lost(hasNodePorts) && !namesNewNodePort(spec, old)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (lost(needsHealthCheckPort)) dropSame(spec, old, 'healthCheckNodePort');
  if (lost(isExternallyAccessible)) dropSame(spec, old, 'externalTrafficPolicy');
  if (lost(({ type }) => type === 'LoadBalancer')) {
    dropSame(spec, old, 'allocateLoadBalancerNodePorts');
    dropSame(spec, old, 'loadBalancerClass');
  }
}

function dropSame(spec: ServiceSpec, old: ServiceSpec, field: keyof ServiceSpec): void {
  if (isDeepStrictEqual(spec[field], old[field])) delete spec[field];
}

/** Then the writer wants node ports, and validation reports that the type has none. */
function namesNewNodePort(spec: ServiceSpec, old: ServiceSpec): boolean {
  const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
  return (spec.ports ?? []).some(({ nodePort }) => nodePort && !before.has(nodePort));
}
