// Compares Services before and after a change: which UDP frontends need their flows checked (pure).
import type { ServiceInput, ServicePort } from '../service/input';
import { backendId, type UdpFrontend } from './stale';

/**
 * `before` undefined: the Service is new. `first`: this process has just started and knows no earlier state; then every
 * frontend is checked once, because a backend may have been removed while no process was running.
 */
export function changedFrontends(
  before: ServiceInput | undefined,
  after: ServiceInput | undefined,
  first: boolean,
): UdpFrontend[] {
  const old = frontendsOf(before);
  const now = frontendsOf(after);
  const found: UdpFrontend[] = [];
  for (const [id, { address, port, backends }] of now) {
    if (first) {
      found.push({ address, port, backends });
      continue;
    }
    const was = old.get(id)?.backends ?? new Set<string>();
    if (!sameSet(was, backends)) found.push({ address, port, backends, before: was });
  }
  for (const [id, { address, port, backends }] of old) {
    if (!now.has(id)) found.push({ address, port, backends: new Set(), before: backends });
  }
  return found;
}

function frontendsOf(service: ServiceInput | undefined): Map<string, UdpFrontend> {
  const found = new Map<string, UdpFrontend>();
  for (const port of service?.ports ?? []) {
    if (service === undefined || port.protocol !== 'udp') continue;
    for (const frontend of frontendsOfPort(service, port)) {
      found.set(backendId(frontend.address, frontend.port), frontend);
    }
  }
  return found;
}

/**
 * A flow continues as long as its backend is ready or serving. The rules for new flows (policies, hints, terminating endpoints)
 * do not affect existing flows, as with TCP.
 */
function frontendsOfPort(service: ServiceInput, port: ServicePort): UdpFrontend[] {
  const answering = port.endpoints.filter((endpoint) => endpoint.ready || endpoint.serving);
  const backends = new Set(answering.map((one) => backendId(one.address, one.port)));
  const { clusterIp, externalIps, loadBalancerIps } = service;
  const addresses = [...(clusterIp === undefined ? [] : [clusterIp, ...externalIps, ...loadBalancerIps])];
  const onNode = [port.nodePort, port.hostPort].filter((one) => one !== undefined);
  return [
    ...addresses.map((address) => ({ address, port: port.port, backends })),
    ...onNode.map((one) => ({ address: 'node', port: one, backends })),
  ];
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));
