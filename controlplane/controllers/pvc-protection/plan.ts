// Which claims a pod uses. Pure.
import type { PersistentVolumeClaim, Pod } from '../../api/index';
import { controllerOf } from '../shared/owner';
import { ephemeralClaimName } from '../shared/pod-claims';

export const claimFinalizer = 'kubernetes.io/pvc-protection';

/**
 * A pod without a node does not count: no kubelet starts a pod with a claim that is being deleted. A finished pod counts, as upstream. The
 * claims of ephemeral volumes are deleted with their pod: they must not wait for a pod whose processes have ended.
 */
export function usesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec?.nodeName) return false;
  const name = claim.metadata?.name;
  const isOwn = controllerOf(claim)?.uid === pod.metadata?.uid;
  return (pod.spec.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === name) return true;
    const created = volume.ephemeral && ephemeralClaimName(pod.metadata?.name ?? '', volume.name) === name;
    return Boolean(created) && isOwn && !isShutDown(pod);
  });
}

/** The kubelet has ended the pod, or a user has forced its deletion. */
const isShutDown = ({ metadata }: Pod): boolean =>
  metadata?.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
