// The word that `kubectl get pods` shows for a pod, and what its containers have gone through. Pure.
import { at, type KubeObject, listAt, textAt } from './objects';

/** As the table of the API server: CrashLoopBackOff, Init:0/1, Completed, Terminating. */
export function podState(pod: KubeObject): string {
  const { metadata, spec, status } = pod;
  const waitingFor = initState(pod);
  const reason = textAt(status, 'reason') || textAt(status, 'phase') || 'Unknown';
  const state = waitingFor ?? mainState(listAt(status, 'containerStatuses'), reason, isReady(pod));
  if (metadata?.deletionTimestamp !== undefined) {
    const isEnded = ['Succeeded', 'Failed'].includes(textAt(status, 'phase'));
    if (textAt(status, 'reason') === 'NodeLost') return 'Unknown';
    return isEnded ? state : 'Terminating';
  }
  const isGated = listAt(spec, 'schedulingGates').length > 0 && textAt(spec, 'nodeName') === '';
  return isGated ? 'SchedulingGated' : state;
}

/** Undefined when all init containers are done. */
function initState({ spec, status }: KubeObject): string | undefined {
  const specs = listAt(spec, 'initContainers');
  const statuses = listAt(status, 'initContainerStatuses');
  for (const [i, one] of statuses.entries()) {
    const isSidecar = textAt(specs[i], 'restartPolicy') === 'Always';
    const ended = at(one, 'state', 'terminated');
    if (ended !== undefined && textAt(ended, 'exitCode') === '0') continue;
    if (isSidecar && at(one, 'started') === true) continue;
    if (ended !== undefined) return `Init:${endOf(ended)}`;
    const waiting = textAt(one, 'state', 'waiting', 'reason');
    return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${i}/${specs.length}`;
  }
  return undefined;
}

function mainState(statuses: readonly unknown[], reason: string, ready: boolean): string {
  let state = reason;
  let isRunning = false;
  // The first container with something to say wins, as in kubectl.
  for (const one of [...statuses].reverse()) {
    const waiting = textAt(one, 'state', 'waiting', 'reason');
    const ended = at(one, 'state', 'terminated');
    if (waiting !== '') state = waiting;
    else if (ended !== undefined) state = endOf(ended);
    else if (at(one, 'state', 'running') !== undefined && at(one, 'ready') === true) isRunning = true;
  }
  if (state === 'Completed' && isRunning) return ready ? 'Running' : 'NotReady';
  return state;
}

const endOf = (ended: unknown): string => {
  const signal = textAt(ended, 'signal');
  if (textAt(ended, 'reason') !== '') return textAt(ended, 'reason');
  return signal !== '' && signal !== '0' ? `Signal:${signal}` : `ExitCode:${textAt(ended, 'exitCode')}`;
};

const isReady = ({ status }: KubeObject): boolean =>
  listAt(status, 'conditions').some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True');

/** Why a pod is not ready, in the server's own words; undefined for one that is ready, or has done its work. */
export function troubleOf(pod: KubeObject): { readonly state: string; readonly message: string } | undefined {
  const { status } = pod;
  const state = podState(pod);
  if (isReady(pod) || textAt(status, 'phase') === 'Succeeded') return undefined;
  const statuses = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')];
  const words = statuses
    .map((one) => {
      const last = at(one, 'lastState', 'terminated');
      const parts = [
        textAt(one, 'state', 'waiting', 'message') || textAt(one, 'state', 'terminated', 'message'),
        last === undefined ? '' : `${endOf(last)}, exit code ${textAt(last, 'exitCode')}`,
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
