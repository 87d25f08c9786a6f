// The IPAddress of a Service: the API server writes it together with the Service, for each of its cluster IPs (KEP-1880).
import { canonicalAddress } from '../../base/cidr';
import type { IPAddress } from '../ip-address';
import type { Service } from '../service';

export const ipFamilyLabel = 'ipaddress.kubernetes.io/ip-family';
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
/** The value of managedByLabel for addresses of Services. */
export const addressAllocator = 'ipallocator.k8s.io';

/** The cluster IPs of a Service in one spelling each: the names of its IPAddresses. None of a headless one or an ExternalName. */
export function clusterIpsOf({ spec }: Pick<Service, 'spec'>): string[] {
  if (!spec || spec.type === 'ExternalName') return [];
  const addresses = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return addresses.filter((address) => address !== '' && address !== 'None').map(canonicalAddress);
}

/** The labels and the spec of the IPAddress `address` of a Service. */
export function addressOfService(
  address: string,
  { namespace = '', name = '' }: { namespace?: string; name?: string },
) {
  return {
    labels: { [ipFamilyLabel]: address.includes(':') ? 'IPv6' : 'IPv4', [managedByLabel]: addressAllocator },
    spec: { parentRef: { resource: 'services', namespace, name } },
  };
}

export const isManaged = ({ metadata }: IPAddress): boolean => metadata?.labels?.[managedByLabel] === addressAllocator;

export function refersToService({ spec }: IPAddress): boolean {
  return !spec?.parentRef?.group && spec?.parentRef?.resource === 'services';
}

/** Whether the IPAddress names this Service as its parent. */
export function belongsTo(address: IPAddress, namespace: string, name: string): boolean {
  const { namespace: ownNamespace = '', name: ownName = '' } = address.spec?.parentRef ?? {};
  return refersToService(address) && ownNamespace === namespace && ownName === name;
}
