// How long a deleted pod stays so that its containers can end.
import { atLeastOne } from '../deletion';
import type { Pod } from '../pod';

const defaultSeconds = 30;

/** Only a pod that a kubelet may be running needs time to end. */
export function podGraceSeconds({ spec, status }: Pod, requested: number | undefined): number {
  if (!spec?.nodeName || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  return atLeastOne(requested ?? spec.terminationGracePeriodSeconds ?? defaultSeconds);
}
