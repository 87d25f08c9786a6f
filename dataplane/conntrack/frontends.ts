// From Services before and after a change to the UDP frontends whose flows must be looked at (pure).
import { usableEndpoints } from '../service/endpoints';
import type { ServiceInput, ServicePort } from '../service/input';
import { backendId, type UdpFrontend } from './stale';

/**
 * `before` undefined: the Service is new. `first`: this process has just started and knows nothing of before; then only
 * frontends with an address of the Service are looked at, where every flow must lead to a backend.
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
      if (address !== 'node') found.push({ address, port, backends });
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
  if (service?.clusterIp === undefined) return found;
  for (const port of service.ports) {
    if (port.protocol !== 'udp') continue;
    for (const frontend of frontendsOfPort(service, service.clusterIp, port)) {
      found.set(backendId(frontend.address, frontend.port), frontend);
    }
  }
  return found;
}

function frontendsOfPort(service: ServiceInput, clusterIp: string, port: ServicePort): UdpFrontend[] {
  const { cluster, local } = usableEndpoints(port.endpoints);
  const ids = (endpoints: typeof cluster) => new Set(endpoints.map((one) => backendId(one.address, one.port)));
  const external = [...service.externalIps, ...service.loadBalancerIps];
  // Under policy Local an outside client must be led to a local backend, but pods of this node may be led anywhere.
  const outside = ids([...cluster, ...local]);
  return [
    { address: clusterIp, port: port.port, backends: ids(service.internalLocal ? local : cluster) },
    ...external.map((address) => ({ address, port: port.port, backends: outside })),
    ...(port.nodePort === undefined ? [] : [{ address: 'node', port: port.nodePort, backends: outside }]),
  ];
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));
