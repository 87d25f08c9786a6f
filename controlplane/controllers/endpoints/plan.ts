// The legacy Endpoints object of a Service: the same addresses as its slices, grouped by equal ports, ready and not ready
// apart, cut at 1000 addresses.

import { isDeepStrictEqual } from 'node:util';
import { isReady } from '../../api/conditions';
import type { Endpoints } from '../../api/endpoints';
import type { Pod } from '../../api/pod';
import type { Service } from '../../api/service';
import {
  addressOf,
  familiesOf,
  headlessLabel,
  hostnameOf,
  isEndpoint,
  isHeadless,
  type Port,
  portsOf,
  publishesNotReady,
} from '../shared/endpoint';
import { isDeleting } from '../shared/owner';
import { hasManagedEndpoints } from '../shared/service-pods';
import { triggerTime } from '../shared/trigger-times';

type Subset = NonNullable<Endpoints['subsets']>[number];
type Address = NonNullable<Subset['addresses']>[number];

export const overCapacity = 'endpoints.kubernetes.io/over-capacity';
export const maxAddresses = 1000;
/** Marks an object that this controller created. */
export const managedByLabel = 'endpoints.kubernetes.io/managed-by';
export const managedBy = 'endpoint-controller';

export type Step =
  | { readonly action: 'create' | 'update'; readonly endpoints: Endpoints }
  | { readonly action: 'delete'; readonly endpoints: Endpoints };

export interface EndpointsInput {
  readonly service: Service | undefined;
  readonly pods: readonly Pod[];
  readonly existing: Endpoints | undefined;
  /** The Service existed: as upstream, its Endpoints go with it even if a user wrote them. */
  readonly deleted?: boolean;
  /** When the change happened (RFC 3339), if known: the written object carries this time. */
  readonly triggeredAt?: string | undefined;
}

export function planEndpoints({ service, pods, existing, deleted = false, triggeredAt }: EndpointsInput): Step[] {
  if (!service) {
    const goes = existing && (deleted || existing.metadata?.labels?.[managedByLabel] === managedBy);
    return goes ? [{ action: 'delete', endpoints: existing }] : [];
  }
  if (isDeleting(service) || !hasManagedEndpoints(service)) return [];
  const { subsets, truncated } = planSubsets(service, pods);
  const { name, namespace, labels } = service.metadata ?? {};
  const { [headlessLabel]: _headless, ...own } = labels ?? {};
  const desired = { ...own, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}), [managedByLabel]: managedBy };
  const { [overCapacity]: over, [triggerTime]: _since, ...kept } = existing?.metadata?.annotations ?? {};
  const annotations: Record<string, string> = { ...kept };
  if (truncated) annotations[overCapacity] = 'truncated';
  if (triggeredAt !== undefined) annotations[triggerTime] = triggeredAt;
  if (!existing)
    return [{ action: 'create', endpoints: { metadata: { name, namespace, labels: desired, annotations }, subsets } }];
  const same =
    isDeepStrictEqual(existing.subsets ?? [], subsets) &&
    isDeepStrictEqual(existing.metadata?.labels ?? {}, desired) &&
    over === annotations[overCapacity];
  if (same) return [];
  return [
    {
      action: 'update',
      endpoints: { ...existing, metadata: { ...existing.metadata, labels: desired, annotations }, subsets },
    },
  ];
}

function planSubsets(service: Service, pods: readonly Pod[]): { subsets: Subset[]; truncated: boolean } {
  const [family = 'IPv4'] = familiesOf(service);
  const groups = new Map<string, { ports: readonly Port[]; ready: Address[]; notReady: Address[] }>();
  const all = publishesNotReady(service);
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    const terminating = pod.metadata?.deletionTimestamp !== undefined;
    if (ip === undefined || !isEndpoint(pod) || (terminating && !all)) continue;
    const ports = portsOf(service, pod);
    // A pod without any of the named ports is not an endpoint. A headless Service without ports needs only the address.
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const id = JSON.stringify(ports);
    const group = groups.get(id) ?? { ports, ready: [], notReady: [] };
    groups.set(id, group);
    (all || isReady(pod) ? group.ready : group.notReady).push(renderAddress(service, pod, ip));
  }
  let room = maxAddresses;
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const total = sorted.reduce((sum, { ready, notReady }) => sum + ready.length + notReady.length, 0);
  const take = (list: Address[]) => {
    const part = list.sort((a, b) => (a.ip < b.ip ? -1 : 1)).slice(0, room);
    room -= part.length;
    return part;
  };
  // Ready addresses of every group come before any that is not ready.
  const ready = sorted.map((group) => take(group.ready));
  const notReady = sorted.map((group) => take(group.notReady));
  const subsets = sorted.map(({ ports }, i) => renderSubset(ports, ready[i]!, notReady[i]!));
  return {
    subsets: subsets.filter(({ addresses, notReadyAddresses }) => addresses || notReadyAddresses),
    truncated: total > maxAddresses,
  };
}

function renderSubset(ports: readonly Port[], addresses: Address[], notReadyAddresses: Address[]): Subset {
  return {
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
    ...(ports.length > 0 ? { ports: ports.map(renderPort) } : {}),
  };
}

/** A port without a name has no name field here, where a slice has an empty one. */
function renderPort({ name, port = 0, protocol, appProtocol }: Port): NonNullable<Subset['ports']>[number] {
  return {
    ...(name ? { name } : {}),
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}

function renderAddress(service: Service, pod: Pod, ip: string): Address {
  const { name, namespace, uid } = pod.metadata ?? {};
  const hostname = hostnameOf(service, pod);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
