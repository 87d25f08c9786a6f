// Which resources of a pod may change in place: CPU and memory of its containers and of the pod itself. Source: KEP-1287, KEP-5419.
import type { FieldCause } from '../../base/errors';
import type { Pod } from '../pod';
import { forbidden, invalid } from '../validation/causes';
import { isSame } from '../validation/difference';
import { isSidecar } from './facts';
import { qosClass } from './qos';
import type { Container, PodSpec, ResourceRequirements } from './types';

const mirror = 'kubernetes.io/config.mirror';
/** How upstream prints the path of the whole object. */
const noPath = '[]';
const onlyCompute = 'only cpu and memory resources are mutable';
type Amounts = Readonly<Record<string, string>>;
const lists = ['initContainers', 'containers'] as const;

/** Refusals that make all others pointless; undefined when the pod can be resized at all. */
export function unresizable({ metadata, spec }: Pod): FieldCause | undefined {
  if (metadata?.annotations?.[mirror] !== undefined) return forbidden(noPath, 'static pods cannot be resized');
  return spec?.os?.name === 'windows' ? forbidden(noPath, 'windows pods cannot be resized') : undefined;
}

/** `pod` has passed the part's keepRest, so it differs from `old` in resources, resizePolicy, or the list of its containers. */
export function validateResize(pod: Pod, old: Pod): FieldCause[] {
  const [spec, before] = [pod.spec!, old.spec!];
  const causes: FieldCause[] = [];
  if ((old.status?.qosClass ?? qosClass(before)) !== qosClass(spec)) {
    causes.push(invalid('spec', pod.status?.qosClass, 'Pod QOS Class may not change as a result of resizing'));
  }
  if (!nodeResizes(old)) causes.push(forbidden('spec', 'Pod running on node without support for resize'));
  causes.push(...validatePodLevel(spec.resources, before.resources));
  const order = validateOrder(spec, before);
  if (order.length > 0) return [...causes, ...order];
  for (const list of lists) {
    (before[list] ?? []).forEach(({ resources }, i) => {
      causes.push(...validateRemovals(spec[list]![i]!.resources, resources, `spec.${list}[${i}].resources`));
    });
  }
  spec.containers.forEach((container, i) => {
    if (!isSame(withoutCompute(container, before.containers[i]!), before.containers[i])) {
      causes.push(forbidden('spec', onlyCompute));
    }
  });
  (spec.initContainers ?? []).forEach((container, i) => {
    causes.push(...validateInitContainer(container, before.initContainers![i]!, `spec.initContainers[${i}]`));
  });
  // An empty block of the pod's own resources is not the same as none.
  if (causes.length === 0 && !spec.resources !== !before.resources && isSame(spec.resources, before.resources)) {
    return [forbidden('spec', onlyCompute)];
  }
  return causes;
}

/** Kubelets that cannot resize report no resources of running containers. Without a running container they may be able to. */
function nodeResizes({ status }: Pod): boolean {
  const running = (status?.containerStatuses ?? []).find(({ state }) => state?.running);
  return !running || running.resources !== undefined;
}

function validatePodLevel(now: ResourceRequirements | undefined, before: ResourceRequirements | undefined) {
  const isSet = (resources: ResourceRequirements | undefined) =>
    Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length > 0;
  if (!isSet(now) && !isSet(before)) return [];
  const field = 'spec.resources';
  if (before && !now) return [forbidden(field, 'pod-level resources cannot be removed')];
  const causes: FieldCause[] = [];
  for (const which of ['requests', 'limits'] as const) {
    if (before && isRemoved(now?.[which], before[which])) {
      causes.push(forbidden(`${field}.${which}`, `pod-level resource ${which} cannot be removed`));
    }
  }
  if (!isSame(others(now), others(before))) {
    causes.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'));
  }
  return causes;
}
function validateOrder(spec: PodSpec, old: PodSpec): FieldCause[] {
  return (['containers', 'initContainers'] as const).flatMap((list) => {
    const [now, before] = [spec[list] ?? [], old[list] ?? []];
    const field = `spec.${list}`;
    if (now.length !== before.length) return [forbidden(field, `${list} may not be added or removed on resize`)];
    return before.flatMap(({ name }, i) =>
      now[i]!.name === name
        ? []
        : [forbidden(`${field}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
    );
  });
}

function validateRemovals(
  now: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
  field: string,
): FieldCause[] {
  return (['requests', 'limits'] as const).flatMap((which) =>
    isRemoved(now?.[which], before?.[which])
      ? [forbidden(`${field}.${which}`, `resource ${which} cannot be removed`)]
      : [],
  );
}

const isRemoved = (now: Amounts = {}, before: Amounts = {}): boolean =>
  Object.keys(before).some((name) => now[name] === undefined);

function validateInitContainer(container: Container, old: Container, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (!isSame(withoutCompute(container, old), old)) {
    causes.push(forbidden(field, 'only cpu and memory resources for init or sidecar containers are mutable'));
  }
  if (isSidecar(container) || isSame(container, old)) return causes;
  for (const { restartPolicy } of container.resizePolicy ?? []) {
    if (restartPolicy !== 'RestartContainer') continue;
    const why = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
    causes.push(forbidden(field, why));
  }
  return causes;
}

/** The container with the old amounts of CPU and memory, and, as upstream, without resource claims. */
function withoutCompute(container: Container, old: Container): Container {
  const { resources } = container;
  const keep = (which: 'requests' | 'limits') => kept(resources?.[which], old.resources?.[which]);
  const [requests, limits] = [keep('requests'), keep('limits')];
  return { ...container, resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } };
}

const compute = ['cpu', 'memory'];

/** `now` with the amounts of CPU and memory that `before` has; undefined when that is nothing. */
function kept(now: Amounts = {}, before: Amounts = {}): Record<string, string> | undefined {
  const result = Object.fromEntries(Object.entries(now).filter(([name]) => !compute.includes(name)));
  for (const name of compute) if (before[name] !== undefined) result[name] = before[name];
  return Object.keys(result).length > 0 ? result : undefined;
}

/** Requirements without CPU and memory; an absent block equals an empty one. */
function others(resources: ResourceRequirements | undefined): object {
  const { requests, limits, ...rest } = resources ?? {};
  return { ...rest, requests: kept(requests) ?? {}, limits: kept(limits) ?? {} };
}
