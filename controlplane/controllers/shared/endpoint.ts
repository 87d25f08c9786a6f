// From a Service and one of its pods to an endpoint: address, conditions, ports. Shared by the EndpointSlice and the
// Endpoints controller, so that both always agree.
import { isReady } from '../../api/conditions';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { isTerminal, lastingContainers } from '../../api/pods/facts';
import type { Service } from '../../api/service';

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
export type Port = NonNullable<EndpointSlice['ports']>[number];
type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

const tolerateUnready = 'service.alpha.kubernetes.io/tolerate-unready-endpoints';
export const headlessLabel = 'service.kubernetes.io/headless';
const zoneLabel = 'topology.kubernetes.io/zone';

export type Family = 'IPv4' | 'IPv6';

/** The address families of the Service's endpoints. */
export function familiesOf({ spec }: Service): readonly Family[] {
  if (spec?.ipFamilies && spec.ipFamilies.length > 0) return spec.ipFamilies as Family[];
  return [spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4'];
}

export function addressOf({ status }: Pod, family: Family): string | undefined {
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  return ips.find((ip) => ip.includes(':') === (family === 'IPv6'));
}

/** A pod counts from its first address until its containers have ended. */
export function isEndpoint(pod: Pod): boolean {
  return !isTerminal(pod) && (pod.status?.podIP ?? '') !== '';
}

export const publishesNotReady = ({ metadata, spec }: Service): boolean =>
  spec?.publishNotReadyAddresses === true || metadata?.annotations?.[tolerateUnready] === 'true';

export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None';

/** The DNS name of a pod under a headless Service. */
export function hostnameOf(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  const named =
    hostname && subdomain === service.metadata?.name && service.metadata?.namespace === pod.metadata?.namespace;
  return named ? hostname : undefined;
}

/**
 * Which clients should use a ready endpoint, by spec.trafficDistribution (KEP-4444, KEP-3015): clients of its own zone, or also of its
 * own node. kube-proxy decides what happens when no endpoint is near.
 */
function hintsFor({ spec }: Service, nodeName: string | undefined, zone: string | undefined): Endpoint['hints'] {
  const { trafficDistribution } = spec ?? {};
  if (!['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(trafficDistribution ?? '')) return undefined;
  const forNodes = trafficDistribution === 'PreferSameNode' && nodeName ? { forNodes: [{ name: nodeName }] } : {};
  const hints = { ...(zone === undefined ? {} : { forZones: [{ name: zone }] }), ...forNodes };
  return Object.keys(hints).length > 0 ? hints : undefined;
}

/** Serving: the pod is ready, terminating or not. Ready: serving and not terminating (KEP-1672). */
export function renderEndpoint(service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const { name, namespace, uid } = pod.metadata ?? {};
  const hostname = hostnameOf(service, pod);
  const zone = node?.metadata?.labels?.[zoneLabel];
  const ready = publishesNotReady(service) || (serving && !terminating);
  const hints = ready ? hintsFor(service, pod.spec?.nodeName, zone) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  };
}

/** The ports of the Service with this pod's port numbers; a named port that the pod lacks is left out. */
export function portsOf(service: Service, pod: Pod): Port[] {
  const servicePorts = service.spec?.ports ?? [];
  return servicePorts.flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, protocol, port, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function targetPort({ targetPort, port, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  const target = targetPort ?? port;
  if (typeof target === 'number') return target;
  if (/^\d+$/.test(target)) return Number(target);
  for (const { ports = [] } of lastingContainers(pod.spec ?? {})) {
    const found = ports.find(({ name, protocol: own = 'TCP' }) => name === target && own === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}
