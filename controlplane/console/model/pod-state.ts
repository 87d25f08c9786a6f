// The word that `kubectl get pods` shows for a pod, and what its containers have gone through. Pure.
import { isReady } from '../../base/condition-state';
import { type PodFacts, summarizePod } from '../../base/pod-summary';
import { at, type KubeObject, listAt, textAt } from './objects';

/** As the table of the API server: CrashLoopBackOff, Init:0/1, Completed, Terminating. */
export const podState = (pod: KubeObject): string => summarizePod(pod as PodFacts).reason || 'Unknown';

/** Why a pod is not ready, in the server's own words; undefined for one that is ready, or has done its work. */
export function troubleOf(pod: KubeObject): { readonly state: string; readonly message: string } | undefined {
  const { status } = pod;
  const state = podState(pod);
  if (isReady(pod as PodFacts) || textAt(status, 'phase') === 'Succeeded') return undefined;
  const statuses = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')];
  const words = statuses
    .map((one) => {
      const last = at(one, 'lastState', 'terminated');
      const parts = [
        textAt(one, 'state', 'waiting', 'message') || textAt(one, 'state', 'terminated', 'message'),
        last === undefined
          ? ''
          : [textAt(last, 'reason'), `exit code ${textAt(last, 'exitCode')}`].filter(Boolean).join(', '),
      ];
      return parts.filter(Boolean).join(' · ');
    })
    .find((text) => text !== '');
  const unmet = listAt(status, 'conditions').find(
    (one) => textAt(one, 'status') === 'False' && textAt(one, 'message') !== '',
  );
  return { state, message: words ?? textAt(unmet, 'message') };
}

/** Cannot get better by waiting a little: not merely being started. */
export const isFailing = (state: string): boolean =>
  !/^(?:Pending|ContainerCreating|PodInitializing|Running|Completed|Terminating|SchedulingGated|Init:\d+\/\d+)$/.test(
    state,
  );
