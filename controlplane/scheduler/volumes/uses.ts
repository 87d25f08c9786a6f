// Whether a pod uses a claim: for the hints of all plug-ins that look at volumes.
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { PodInfo } from '../pod-info';

export const usesClaim = ({ namespace, claims }: PodInfo, { metadata }: PersistentVolumeClaim): boolean =>
  namespace === metadata?.namespace && claims.some(({ name }) => name === metadata?.name);
