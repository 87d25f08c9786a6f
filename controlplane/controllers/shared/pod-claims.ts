// The PersistentVolumeClaims of a pod.
import type { Pod } from '../../api/index';

/** The name of the claim that is created for an ephemeral volume of a pod; as upstream. */
export const ephemeralClaimName = (pod: string, volume: string): string => `${pod}-${volume}`;

/** The names of claims in the pod's volumes, and of those that are created for its ephemeral volumes. */
export function claimNamesOf({ metadata, spec }: Pod): readonly string[] {
  const volumes = spec?.volumes ?? [];
  return volumes.flatMap(({ name, persistentVolumeClaim: claim, ephemeral }) => {
    if (claim?.claimName) return [claim.claimName];
    return ephemeral ? [ephemeralClaimName(metadata?.name ?? '', name)] : [];
  });
}

/** `namespace/name` of each. */
export const claimKeysOf = (pod: Pod): readonly string[] =>
  claimNamesOf(pod).map((name) => `${pod.metadata?.namespace}/${name}`);
