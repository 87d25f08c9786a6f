// What a pod takes from its node and from quotas while it is being resized: the most of what it asks for, what the kubelet has
// promised (allocated), and what its containers really have (actual). Source: KEP-1287, "Scheduler and API server interaction".
import type { Pod } from '../pod';
import { parseQuantity } from '../quantity';
import { isSidecar } from './facts';
import type { Container, ContainerStatus, PodSpec, ResourceRequirements } from './types';

type Amounts = Readonly<Record<string, string>>;

/** Of the condition PodResizePending: `Infeasible` when the node can never carry out the resize. */
export const isInfeasible = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';

/**
 * The spec with the effective resources; the spec itself when they are what it says. `podLevel`: resources of the pod itself too, which
 * the scheduler counts and a quota does not, as upstream.
 */
export function effectiveSpec(pod: Pod, { podLevel }: { readonly podLevel: boolean }): PodSpec {
  const spec = pod.spec ?? { containers: [] };
  const { containerStatuses, initContainerStatuses, resources, allocatedResources } = pod.status ?? {};
  if (!containerStatuses && !initContainerStatuses && !resources) return spec;
  const infeasible = isInfeasible(pod);
  const effective = (container: Container, statuses: readonly ContainerStatus[] | undefined): Container => {
    const status = statuses?.find(({ name }) => name === container.name);
    if (!status?.resources) return container;
    const own = effectiveResources(container.resources, status.resources, status.allocatedResources, infeasible);
    return own === container.resources ? container : { ...container, resources: own };
  };
  const containers = spec.containers.map((container) => effective(container, containerStatuses));
  // An init container that is no sidecar has ended or will end: only its spec counts.
  const initContainers = spec.initContainers?.map((container) =>
    isSidecar(container) ? effective(container, initContainerStatuses) : container,
  );
  const ofPod =
    podLevel && resources && spec.resources
      ? effectiveResources(spec.resources, resources, allocatedResources, infeasible)
      : spec.resources;
  const isSame = (now: readonly Container[] | undefined, before: readonly Container[] | undefined) =>
    (now ?? []).every((container, i) => container === before?.[i]);
  if (ofPod === spec.resources && isSame(containers, spec.containers) && isSame(initContainers, spec.initContainers)) {
    return spec;
  }
  return {
    ...spec,
    containers,
    ...(initContainers ? { initContainers } : {}),
    ...(ofPod ? { resources: ofPod } : {}),
  };
}

/** The wanted resources themselves when nothing else is larger. */
function effectiveResources(
  wanted: ResourceRequirements | undefined,
  actual: ResourceRequirements,
  allocated: Amounts | undefined,
  infeasible: boolean,
): ResourceRequirements {
  const [asked, bound] = infeasible ? [undefined, undefined] : [wanted?.requests, wanted?.limits];
  const requests = larger(larger(asked, actual.requests), allocated);
  const limits = larger(bound, actual.limits);
  if (wanted && requests === wanted.requests && limits === wanted.limits) return wanted;
  return { ...wanted, requests: { ...requests }, limits: { ...limits } };
}

/** `a` itself when no amount of `b` is larger. */
function larger(a: Amounts | undefined, b: Amounts | undefined): Amounts | undefined {
  let result: Record<string, string> | undefined;
  for (const name in b) {
    const [ours, theirs] = [a?.[name], b[name]!];
    if (ours === theirs || (ours !== undefined && nanoOf(ours) >= nanoOf(theirs))) continue;
    result ??= { ...a };
    result[name] = theirs;
  }
  return result ?? a;
}

/** The API has checked the texts. One object that it did not check must not stop the scheduler. */
function nanoOf(text: string): bigint {
  try {
    return parseQuantity(text).nano;
  } catch {
    return 0n;
  }
}
