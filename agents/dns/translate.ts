// Translates API objects to the zone's records, and plans the EndpointSlice by which this server announces itself. Pure.
import {
  type EndpointSlice,
  endpointState,
  isTerminal,
  type Node,
  type Pod,
  type Service,
  serviceKeyOf,
  serviceNameLabel,
  sliceManagedByLabel,
} from '../../controlplane/api';
import type { EndpointsInput, PodInput, PortInput, ServiceInput } from '../../dataplane/dns/records';

interface PortLike {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
}

const toPorts = (ports: readonly PortLike[] | undefined): PortInput[] =>
  (ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
    port === undefined
      ? []
      : [{ name: name.toLowerCase(), protocol: protocol.toLowerCase() as PortInput['protocol'], port }],
  );

export function translateService({ metadata, spec }: Service): ServiceInput {
  const base = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', ports: toPorts(spec?.ports) };
  if (spec?.type === 'ExternalName') {
    const externalName = (spec.externalName ?? '').replace(/\.$/, '');
    return { ...base, kind: 'external', addresses: [], externalName };
  }
  if (spec?.clusterIP === 'None') return { ...base, kind: 'headless', addresses: [] };
  const addresses = spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? ''];
  return { ...base, kind: 'cluster', addresses: addresses.filter((address) => address !== '') };
}

/** Undefined for a slice that belongs to no Service, or whose addresses are names. */
export function translateSlice(slice: EndpointSlice): EndpointsInput | undefined {
  const { addressType, endpoints, ports } = slice;
  const service = serviceKeyOf(slice);
  if (service === '' || addressType === 'FQDN') return undefined;
  // With publishNotReadyAddresses the slice's own conditions say ready.
  const ready = (endpoints ?? []).filter(({ conditions }) => endpointState(conditions).ready);
  return {
    service,
    endpoints: ready.map(({ addresses, hostname }) => ({ addresses, ...(hostname ? { hostname } : {}) })),
    ports: toPorts(ports),
  };
}

/** Undefined for a pod without an address, and for a pod that has ended: another pod may have its address now. */
export function translatePod(pod: Pod): PodInput | undefined {
  if (isTerminal(pod)) return undefined;
  const { metadata, status } = pod;
  const all = [...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP];
  const addresses = [...new Set(all.filter((ip): ip is string => Boolean(ip)))];
  return addresses.length === 0 ? undefined : { namespace: metadata?.namespace ?? '', addresses };
}

export interface Announcement {
  readonly nodeName: string;
  readonly address: string;
  readonly port: number;
  /** The owner of the slice: it is removed with its Node. */
  readonly node?: Node | undefined;
}
export const sliceName = (nodeName: string): string => `kube-dns-${nodeName}`;
export const dnsNamespace = 'kube-system';
export const dnsServiceName = 'kube-dns';

/** The change that makes kube-dns lead to this server, given the observed slice; undefined if the slice is correct. */
export function planAnnouncement(
  found: EndpointSlice | undefined,
  announcement: Announcement,
): EndpointSlice | undefined {
  const desired = announcedSlice(announcement);
  if (!found) return desired;
  const parts = ({ metadata, endpoints, ports, addressType }: EndpointSlice) =>
    JSON.stringify([
      metadata?.labels?.[serviceNameLabel],
      metadata?.ownerReferences?.map(({ uid }) => uid) ?? [],
      addressType,
      endpoints?.map(({ addresses, conditions, nodeName }) => [addresses, conditions?.ready, nodeName]),
      ports?.map(({ name, protocol, port }) => [name, protocol, port]),
    ]);
  if (parts(found) === parts(desired)) return undefined;
  const { resourceVersion } = found.metadata ?? {};
  return { ...desired, metadata: { ...desired.metadata, ...(resourceVersion ? { resourceVersion } : {}) } };
}

function announcedSlice({ nodeName, address, port, node }: Announcement): EndpointSlice {
  const { uid } = node?.metadata ?? {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName(nodeName),
      namespace: dnsNamespace,
      labels: { [serviceNameLabel]: dnsServiceName, [sliceManagedByLabel]: 'dns.k8ts.dev' },
      ...(uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] } : {}),
    },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false }, nodeName }],
    ports: [
      { name: 'dns', protocol: 'UDP', port },
      { name: 'dns-tcp', protocol: 'TCP', port },
    ],
  };
}
