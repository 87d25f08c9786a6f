// How long a deleted pod stays, so that its containers can end.
import { atLeastOne } from '../deletion';
import type { Pod } from '../pod';
import { graceSecondsOf, isTerminal } from './facts';

/** Only a pod that may run on a node needs time to end. */
export function podGraceSeconds({ spec, status }: Pod, requested: number | undefined): number {
  if (!spec?.nodeName || isTerminal({ status })) return 0;
  return requested === undefined ? graceSecondsOf(spec) : atLeastOne(requested);
}
