// The slices of an Endpoints object that a user keeps by hand: one for each address family of each subset. Data planes read only
// slices, so without them such a Service would have no endpoints. Source: the concept page "EndpointSlices", mirroring.
import { isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Endpoints } from '../../api/endpoints';
import type { Service } from '../../api/service';
import { serviceNameLabel, sliceManagedByLabel } from '../../api/slices/facts';
import { controllerReference, isDeleting } from '../shared/owner';
import type { SliceStep } from '../shared/slice-step';

export const managedBy = 'endpointslicemirroring-controller.k8s.io';
/** A user who also writes slices disables mirroring by this label. */
export const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints that old leader elections use as a lock. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** More addresses of one subset are left out. */
export const maxEndpointsPerSubset = 1000;

type Subset = NonNullable<Endpoints['subsets']>[number];
type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

/** `slices` are the slices that this controller created for the name. */
export function planMirror(
  service: Service | undefined,
  endpoints: Endpoints | undefined,
  slices: readonly EndpointSlice[],
): SliceStep[] {
  const desired = service && endpoints && isMirrored(service, endpoints) ? render(endpoints) : [];
  const free = [...slices].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  const steps: SliceStep[] = [];
  for (const slice of desired) {
    // The ports of a slice may change, its address type may not.
    const same = free.findIndex(
      (one) => one.addressType === slice.addressType && isDeepStrictEqual(one.ports, slice.ports),
    );
    const at = same >= 0 ? same : free.findIndex((one) => one.addressType === slice.addressType);
    if (at < 0) {
      steps.push({ action: 'create', slice });
      continue;
    }
    const [existing] = free.splice(at, 1);
    const { metadata: old, ...content } = existing!;
    const metadata = { ...old, labels: slice.metadata?.labels, annotations: slice.metadata?.annotations };
    const next: EndpointSlice = { ...content, ports: slice.ports, endpoints: slice.endpoints, metadata };
    if (!isSame(existing!, next)) steps.push({ action: 'update', slice: next });
  }
  return [...steps, ...free.map((slice) => ({ action: 'delete' as const, slice }))];
}

function isMirrored(service: Service, endpoints: Endpoints): boolean {
  const { labels = {}, annotations = {} } = endpoints.metadata ?? {};
  if (labels[skipMirrorLabel] === 'true' || annotations[leaderAnnotation] !== undefined) return false;
  // With a selector the slices come from the pods.
  return !isDeleting(endpoints) && Object.keys(service.spec?.selector ?? {}).length === 0;
}

function render(endpoints: Endpoints): EndpointSlice[] {
  const { name = '', namespace, labels, annotations } = endpoints.metadata ?? {};
  const { [lastApplied]: _, ...kept } = annotations ?? {};
  return (endpoints.subsets ?? []).flatMap((subset) => {
    const all = endpointsOf(subset);
    return (['IPv4', 'IPv6'] as const)
      .map((addressType) => ({
        metadata: {
          generateName: `${name}-`,
          namespace,
          labels: { ...labels, [serviceNameLabel]: name, [sliceManagedByLabel]: managedBy },
          annotations: kept,
          ownerReferences: [controllerReference({ apiVersion: 'v1', kind: 'Endpoints' }, endpoints)],
        },
        addressType,
        ports: (subset.ports ?? []).map(({ name: port = '', protocol = 'TCP', ...rest }) => ({
          ...rest,
          name: port,
          protocol,
        })),
        endpoints: all.filter(({ addresses }) => isIPv6(addresses[0]!) === (addressType === 'IPv6')),
      }))
      .filter((slice) => slice.endpoints.length > 0);
  });
}

function endpointsOf({ addresses = [], notReadyAddresses = [] }: Subset): Endpoint[] {
  const listed = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ];
  return listed.slice(0, maxEndpointsPerSubset).map(({ address: { ip, hostname, nodeName, targetRef }, ready }) => ({
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  }));
}

function isSame(a: EndpointSlice, b: EndpointSlice): boolean {
  return (
    isDeepStrictEqual(a.ports ?? [], b.ports ?? []) &&
    isDeepStrictEqual(a.endpoints ?? [], b.endpoints ?? []) &&
    isDeepStrictEqual(a.metadata?.labels ?? {}, b.metadata?.labels ?? {}) &&
    isDeepStrictEqual(a.metadata?.annotations ?? {}, b.metadata?.annotations ?? {})
  );
}
