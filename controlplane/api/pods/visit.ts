// All containers of a pod spec with their paths, for rules that apply to each container.
import type { Container, PodSpec } from './types';

export interface PlacedContainer {
  readonly container: Container;
  /** spec.initContainers[0] */
  readonly field: string;
}

/** Init, app and ephemeral containers, in this order. */
export function placedContainers(spec: PodSpec, field: string): PlacedContainer[] {
  const place = (list: string, containers: readonly Container[] | undefined) =>
    (containers ?? []).map((container, i) => ({ container, field: `${field}.${list}[${i}]` }));
  return [
    ...place('initContainers', spec.initContainers),
    ...place('containers', spec.containers),
    ...place('ephemeralContainers', spec.ephemeralContainers as readonly Container[] | undefined),
  ];
}
