// What the repair does about one address: the IPAddress of each cluster IP must exist and name its Service, and an IPAddress that the
// server wrote must belong to a Service. Pure. The server writes both in one transaction, so a difference comes from a user, or from a
// version that wrote no IPAddresses. Reasons and messages are upstream's.
import type { IPAddress, Service } from '../../../api/index';
import { belongsTo, clusterIpsOf, ipFamilyLabel, isManaged, refersToService } from '../../../api/ip-addresses/facts';

/** As upstream: the parent of a young IPAddress may still be on its way. */
const orphanGraceMs = 60_000;
const wrongReferenceGraceMs = 5_000;

export interface Observed {
  readonly address: string;
  readonly object: IPAddress | undefined;
  /** The Services that have the address: one, unless older data gave it to several. */
  readonly holders: readonly Service[];
  /** The Service that the object names, if it exists. */
  readonly parent: Service | undefined;
  /** Whether the address lies in a ServiceCIDR. */
  readonly inRange: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Step =
  | { readonly action: 'create'; readonly service: Service }
  | { readonly action: 'recreate'; readonly service: Service }
  | { readonly action: 'delete' }
  | { readonly action: 'wait'; readonly ms: number }
  | {
      readonly action: 'report';
      readonly about: Service | IPAddress;
      readonly reason: string;
      readonly message: string;
    };

/** The steps in their order. */
export function planRepair(observed: Observed): readonly Step[] {
  const { object, holders } = observed;
  if (holders.length === 0) return object && isManaged(object) ? planOrphan(object, observed) : [];
  return holders.flatMap((service, i) => planHolder(service, observed, i === 0));
}

/** `isFirst`: of several Services with one address, the first one gets a missing IPAddress. */
function planHolder(service: Service, observed: Observed, isFirst: boolean): Step[] {
  const { address, object, parent, inRange } = observed;
  const family = familyOf(address);
  const { namespace = '', name = '' } = service.metadata ?? {};
  const ip = `[${family}]: ${address}`;
  if (!inRange) {
    const message = `Cluster IP ${ip} is not within any configured Service CIDR; please recreate service`;
    return [{ action: 'report', about: service, reason: 'ClusterIPOutOfRange', message }];
  }
  if (!object) {
    if (!isFirst) return [];
    const message = `Cluster IP ${ip} is not allocated; repairing`;
    return [
      { action: 'report', about: service, reason: 'ClusterIPNotAllocated', message },
      { action: 'create', service },
    ];
  }
  if (!refersToService(object) || (!parent && !belongsTo(object, namespace, name))) {
    const message = `the ClusterIP ${ip} for Service ${namespace}/${name} has a wrong reference; repairing`;
    return [
      { action: 'report', about: service, reason: 'ClusterIPNotAllocated', message },
      { action: 'recreate', service },
    ];
  }
  if (!belongsTo(object, namespace, name)) return planOther(service, observed);
  return isManaged(object) && object.metadata?.labels?.[ipFamilyLabel] === family
    ? []
    : [{ action: 'recreate', service }];
}

/** The IPAddress names another Service that exists. */
function planOther(service: Service, observed: Observed): Step[] {
  const { address, object, parent } = observed;
  if (!parent || !clusterIpsOf(parent).includes(address)) return object ? planWrongReference(object, observed) : [];
  const message = `Cluster IP [${familyOf(address)}]:${address} was assigned to multiple services; please recreate service`;
  return [{ action: 'report', about: service, reason: 'ClusterIPAlreadyAllocated', message }];
}

/** No Service has the address of an IPAddress that a server wrote. */
function planOrphan(object: IPAddress, observed: Observed): Step[] {
  const { address, parent, now } = observed;
  const { namespace = '', name = '', group = '', resource = '' } = object.spec?.parentRef ?? {};
  if (!refersToService(object)) {
    // Upstream prints the Go struct.
    const reference = JSON.stringify({ group, resource, namespace, name });
    const message = `IPAddress ${address} appears to have been modified, not referencing a Service ${reference}: cleaning up`;
    return [{ action: 'report', about: object, reason: 'IPAddressNotAllocated', message }, { action: 'delete' }];
  }
  if (parent) return planWrongReference(object, observed);
  const ms = orphanGraceMs - ageMs(object, now);
  if (ms > 0) return [{ action: 'wait', ms }];
  const message = `IPAddress: ${address} for Service ${namespace}/${name} appears to have leaked: cleaning up`;
  return [{ action: 'report', about: object, reason: 'IPAddressNotAllocated', message }, { action: 'delete' }];
}

function planWrongReference(object: IPAddress, { address, now }: Observed): Step[] {
  const ms = wrongReferenceGraceMs - ageMs(object, now);
  if (ms > 0) return [{ action: 'wait', ms }];
  const { namespace = '', name = '' } = object.spec?.parentRef ?? {};
  const message = `IPAddress: ${address} for Service ${namespace}/${name} has a wrong reference; cleaning up`;
  return [{ action: 'report', about: object, reason: 'IPAddressWrongReference', message }, { action: 'delete' }];
}

const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');
const ageMs = ({ metadata }: IPAddress, now: number): number => now - Date.parse(metadata?.creationTimestamp ?? '');
