// From a Service, its pods and its slices to the slices to write, with as few writes as possible: an endpoint stays in its slice,
// changed slices are filled first, and a new slice is created only when no slice has room.

import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import type { Service } from '../../api/service';
import { serviceNameLabel, sliceManagedByLabel } from '../../api/slices/facts';
import {
  addressOf,
  type Endpoint,
  type Family,
  familiesOf,
  headlessLabel,
  isEndpoint,
  isHeadless,
  type Port,
  portsOf,
  renderEndpoint,
} from '../shared/endpoint';
import { controllerReference, isDeleting } from '../shared/owner';
import { hasManagedEndpoints } from '../shared/service-pods';
import type { SliceStep } from '../shared/slice-step';
import { triggerTime } from '../shared/trigger-times';

export const managedBy = 'endpointslice-controller.k8s.io';
/** Endpoints in one slice: the default of --max-endpoints-per-slice. */
export const maxEndpoints = 100;

export interface SliceInput {
  /** Undefined when the Service is deleted: its slices are deleted here at once, without waiting for the garbage collector. */
  readonly service: Service | undefined;
  readonly pods: readonly Pod[];
  /** The slices that this controller created for the Service. */
  readonly slices: readonly EndpointSlice[];
  readonly node: (name: string) => Node | undefined;
  /** When the change happened (RFC 3339), if known: written slices carry this time. */
  readonly triggeredAt?: string | undefined;
}

export function planSlices(input: SliceInput): SliceStep[] {
  return planSteps(input).map((step) => (step.action === 'delete' ? step : stamp(step, input.triggeredAt)));
}

/** An old time must not stay on a slice that is written for another reason. */
function stamp(step: SliceStep, triggeredAt: string | undefined): SliceStep {
  const { [triggerTime]: _old, ...others } = step.slice.metadata?.annotations ?? {};
  const annotations = triggeredAt === undefined ? others : { ...others, [triggerTime]: triggeredAt };
  const { annotations: _before, ...metadata } = step.slice.metadata ?? {};
  const kept = Object.keys(annotations).length > 0 ? { annotations } : {};
  return { action: step.action, slice: { ...step.slice, metadata: { ...metadata, ...kept } } };
}

function planSteps({ service, pods, slices, node }: SliceInput): SliceStep[] {
  if (!service) return slices.map((slice) => ({ action: 'delete', slice }));
  if (isDeleting(service)) return [];
  // A Service that lost its selector keeps its last slices: its user keeps them from then on (as upstream).
  if (service.spec?.type !== 'ExternalName' && !hasManagedEndpoints(service)) return [];
  const families = service.spec?.type === 'ExternalName' ? [] : familiesOf(service);
  const steps = families.flatMap((family) =>
    planFamily(
      service,
      family,
      pods,
      slices.filter((slice) => slice.addressType === family),
      node,
    ),
  );
  const foreign = slices.filter(({ addressType }) => !families.includes(addressType as Family));
  return [...steps, ...foreign.map((slice) => ({ action: 'delete', slice }) as const)];
}

interface Group {
  readonly ports: readonly Port[];
  readonly endpoints: Map<string, Endpoint>;
  readonly slices: EndpointSlice[];
}

function planFamily(
  service: Service,
  family: Family,
  pods: readonly Pod[],
  slices: readonly EndpointSlice[],
  node: (name: string) => Node | undefined,
): SliceStep[] {
  const groups = new Map<string, Group>();
  const groupFor = (ports: readonly Port[]) => {
    const id = portsId(ports);
    const group: Group = groups.get(id) ?? { ports, endpoints: new Map(), slices: [] };
    groups.set(id, group);
    return group;
  };
  for (const pod of [...pods].sort(byName)) {
    const address = addressOf(pod, family);
    if (address === undefined || !isEndpoint(pod)) continue;
    const endpoint = renderEndpoint(service, pod, address, node(pod.spec?.nodeName ?? ''));
    groupFor(portsOf(service, pod)).endpoints.set(endpointId(endpoint), endpoint);
  }
  for (const slice of [...slices].sort(byName)) groupFor(slice.ports ?? []).slices.push(slice);
  const steps = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => planGroup(service, family, group));
  return keepPlaceholder(service, family, steps, slices);
}

/** Slices of one set of ports. */
function planGroup(service: Service, family: Family, { ports, endpoints, slices }: Group): SliceStep[] {
  const left = new Map(endpoints);
  const kept = slices.map((slice) => {
    const present = slice.endpoints ?? [];
    const next = present.flatMap((endpoint) => {
      const id = endpointId(endpoint);
      const desired = left.get(id);
      left.delete(id);
      return desired ? [desired] : [];
    });
    return { slice, next, changed: !isDeepStrictEqual(present, next) || !hasOurMetadata(service, slice) };
  });
  const missing = [...left.values()];
  // New endpoints go first into slices that are written anyway, then into the fullest slice with room for all of the rest.
  for (const entry of kept) {
    if (entry.changed && entry.next.length > 0) entry.next.push(...missing.splice(0, maxEndpoints - entry.next.length));
  }
  if (missing.length > 0) {
    const rest = missing.length % maxEndpoints || maxEndpoints;
    const roomy = kept
      .filter(({ next }) => next.length + rest <= maxEndpoints)
      .sort((a, b) => b.next.length - a.next.length)[0];
    if (roomy) {
      roomy.next.push(...missing.splice(0, rest));
      roomy.changed = true;
    }
  }
  const steps: SliceStep[] = kept.flatMap(({ slice, next, changed }): SliceStep[] => {
    if (next.length === 0) return [{ action: 'delete', slice }];
    return changed ? [{ action: 'update', slice: renderSlice(service, family, ports, next, slice) }] : [];
  });
  while (missing.length > 0) {
    steps.push({ action: 'create', slice: renderSlice(service, family, ports, missing.splice(0, maxEndpoints)) });
  }
  return steps;
}

/** A Service without endpoints keeps one empty slice, so that consumers can tell "none" from "not yet known". */
function keepPlaceholder(
  service: Service,
  family: Family,
  steps: readonly SliceStep[],
  slices: readonly EndpointSlice[],
): SliceStep[] {
  const deleted = new Set(steps.flatMap((step) => (step.action === 'delete' ? [step.slice.metadata?.uid] : [])));
  const remains =
    steps.some(({ action }) => action !== 'delete') || slices.some(({ metadata }) => !deleted.has(metadata?.uid));
  if (remains) return [...steps];
  const [spare] = slices;
  if (!spare) return [{ action: 'create', slice: renderSlice(service, family, [], []) }];
  const others = steps.filter(({ slice }) => slice.metadata?.uid !== spare.metadata?.uid);
  const empty =
    (spare.endpoints ?? []).length === 0 && (spare.ports ?? []).length === 0 && hasOurMetadata(service, spare);
  return empty ? others : [...others, { action: 'update', slice: renderSlice(service, family, [], [], spare) }];
}

/** The desired slice. An existing slice keeps its name and its resourceVersion; its labels are those of the Service, as upstream. */
function renderSlice(
  service: Service,
  family: Family,
  ports: readonly Port[],
  endpoints: readonly Endpoint[],
  existing?: EndpointSlice,
): EndpointSlice {
  const { name = '', namespace } = service.metadata ?? {};
  const metadata = existing
    ? { ...existing.metadata, labels: labelsFor(service) }
    : {
        generateName: `${name}-`,
        namespace,
        labels: labelsFor(service),
        ownerReferences: [controllerReference({ apiVersion: 'v1', kind: 'Service' }, service)],
      };
  return { ...existing, metadata, addressType: family, ports: [...ports], endpoints: [...endpoints] };
}

/** The Service's own labels are mirrored, as upstream does. */
function labelsFor(service: Service): Record<string, string> {
  const reserved = new Set([headlessLabel, sliceManagedByLabel, serviceNameLabel]);
  const own = Object.entries(service.metadata?.labels ?? {}).filter(([name]) => !reserved.has(name));
  return {
    ...Object.fromEntries(own),
    [serviceNameLabel]: service.metadata?.name ?? '',
    [sliceManagedByLabel]: managedBy,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  };
}

function hasOurMetadata(service: Service, { metadata }: EndpointSlice): boolean {
  return isDeepStrictEqual(metadata?.labels, labelsFor(service));
}

function portsId(ports: readonly Port[]): string {
  const parts = ports.map(({ name = '', protocol = 'TCP', port, appProtocol = '' }) =>
    JSON.stringify([name, protocol, port, appProtocol]),
  );
  return JSON.stringify(parts.sort());
}

/** The same pod at the same address is the same endpoint, whatever its conditions. */
const endpointId = ({ addresses, targetRef }: Endpoint): string => JSON.stringify([targetRef?.uid ?? '', addresses]);

const byName = (a: Pod | EndpointSlice, b: Pod | EndpointSlice): number =>
  (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
