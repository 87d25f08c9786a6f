// Which container an Event of a pod is about: messages do not name it, so `kubectl describe pod` prints this path. Pure.
import type { Pod } from '../../../controlplane/api';

/** As `spec.containers{NAME}`, upstream's spelling; empty when the pod has no such container. */
export function aboutContainer({ spec }: Pod, name: string): { readonly fieldPath?: string } {
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    if (spec?.[list]?.some((each) => each.name === name)) return { fieldPath: `spec.${list}{${name}}` };
  }
  return {};
}
