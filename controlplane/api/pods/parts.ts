// The parts of a pod that have a subresource of their own, because other writers may change them than the rest: the ephemeral
// containers (KEP-277), and the resources of containers and of the pod (KEP-1287, KEP-5419).
import type { ObjectPart } from '../kind';
import type { Pod } from '../pod';
import type { KubeObject } from '../types';
import type { Container } from './types';

export const ephemeralContainersPart: ObjectPart = {
  keepRest(object: KubeObject, old: KubeObject) {
    const pod = object as Pod;
    const { ephemeralContainers, ...spec } = (old as Pod).spec ?? { containers: [] };
    const wanted = pod.spec?.ephemeralContainers;
    pod.spec = structuredClone(wanted ? { ...spec, ephemeralContainers: wanted } : spec);
  },
};

export const resizePart: ObjectPart = {
  /** A pod with other containers, or in another order, stays as it was sent: its validation refuses it. */
  keepRest(object: KubeObject, old: KubeObject) {
    const pod = object as Pod;
    const before = (old as Pod).spec;
    if (!before || !pod.spec) return;
    const { containers = [], initContainers, resources } = pod.spec;
    if (containers.length !== before.containers?.length) return;
    if ((initContainers ?? []).length !== (before.initContainers ?? []).length) return;
    const { resources: _, ...rest } = structuredClone(before);
    pod.spec = {
      ...rest,
      containers: resized(containers, rest.containers),
      ...(initContainers ? { initContainers: resized(initContainers, rest.initContainers ?? []) } : {}),
      ...(resources ? { resources } : {}),
    };
  },
};

/** The stored containers with the resources that were sent. */
function resized(sent: Container[], stored: Container[]): Container[] {
  if (sent.some(({ name }, i) => name !== stored[i]?.name)) return sent;
  return stored.map(({ resources: _, resizePolicy: __, ...container }, i) => {
    const { resources, resizePolicy } = sent[i]!;
    return { ...container, ...(resources ? { resources } : {}), ...(resizePolicy ? { resizePolicy } : {}) };
  });
}
