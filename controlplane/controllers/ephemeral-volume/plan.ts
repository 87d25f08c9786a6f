// The claims of a pod's generic ephemeral volumes. Pure. Source: KEP-1698.
import { type PersistentVolumeClaim, type Pod, pods } from '../../api/index';
import { controllerOf, controllerReference, isDeleting, metaOf } from '../shared/owner';
import { ephemeralClaimName } from '../shared/pod-claims';

export type EphemeralStep =
  | { readonly action: 'create'; readonly volume: string; readonly claim: PersistentVolumeClaim }
  /** A claim of that name exists for something else: the pod waits until a user has removed it. */
  | { readonly action: 'refuse'; readonly volume: string; readonly message: string };

export const hasEphemeralVolumes = ({ spec }: Pod): boolean =>
  spec?.volumes?.some(({ ephemeral }) => ephemeral !== undefined) ?? false;

/** `findClaim` takes a name in the pod's namespace. The steps end at the first volume that is refused, as upstream. */
export function planEphemeralClaims(
  pod: Pod,
  findClaim: (name: string) => PersistentVolumeClaim | undefined,
): readonly EphemeralStep[] {
  if (isDeleting(pod)) return [];
  const { name: podName, namespace, uid } = metaOf(pod);
  const steps: EphemeralStep[] = [];
  for (const { name: volume, ephemeral } of pod.spec?.volumes ?? []) {
    if (!ephemeral) continue;
    const name = ephemeralClaimName(podName, volume);
    const found = findClaim(name);
    if (found && controllerOf(found)?.uid !== uid) {
      const message = `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
      return [...steps, { action: 'refuse', volume, message }];
    }
    if (found) continue;
    const { metadata, spec } = ephemeral.volumeClaimTemplate ?? {};
    const claim: PersistentVolumeClaim = {
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
        ...(metadata?.labels ? { labels: metadata.labels } : {}),
        ownerReferences: [controllerReference(pods, pod)],
      },
      ...(spec ? { spec } : {}),
    };
    steps.push({ action: 'create', volume, claim });
  }
  return steps;
}
