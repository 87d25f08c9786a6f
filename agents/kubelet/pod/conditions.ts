// The conditions of a pod that the kubelet owns. A condition that does not change keeps its time. Pure.
import { conditionOf, isSidecar, mayRestartAll, type Pod } from '../../../controlplane/api';
import { formatTime } from '../../../controlplane/base/clock';
import { isSandbox, labels } from '../runtime/labels';
import { restartsAll } from './plan';
import type { ResizeCondition } from './resizes';
import type { ContainerStatus, StatusInput } from './status-input';

export type PodCondition = NonNullable<NonNullable<Pod['status']>['conditions']>[number];
type Verdict = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

interface Observed {
  readonly phase: string;
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
}

export function podConditions(input: StatusInput, observed: Observed): PodCondition[] {
  const containers = containersReady(observed);
  const verdicts: Verdict[] = [
    { type: 'PodReadyToStartContainers', status: input.sandboxReady ? 'True' : 'False' },
    initialized(input.pod, observed),
    { ...podReady(input.pod, containers), type: 'Ready' },
    { ...containers, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
    ...(input.pod.spec && mayRestartAll(input.pod.spec) ? [restartingAll(input, observed)] : []),
  ];
  const ended = observed.phase === 'Succeeded' || observed.phase === 'Failed';
  return [
    ...(ended ? [] : (input.resizes ?? []).map((condition) => resizeCondition(condition, input))),
    ...verdicts.map((verdict) => withTimes(verdict, input)),
    ...disruption(input).map((verdict) => withTimes(verdict, input)),
  ];
}

function restartingAll({ pod, records }: StatusInput, { phase }: Observed): Verdict {
  const type = 'AllContainersRestarting';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const newest = (name: string) =>
    records.find((record) => !isSandbox(record) && record.labels[labels.containerName] === name);
  if (!restartsAll(pod, newest)) return { type, status: 'False' };
  const message = 'container exited with restart policy rule';
  return { type, status: 'True', reason: 'RestartAllContainersStarted', message };
}

/** Of a resize: it is there or absent, so its reason decides the time, and it tells which generation it is about. */
function resizeCondition(condition: ResizeCondition, { pod, now }: StatusInput): PodCondition {
  const previous = conditionOf<PodCondition>(pod, condition.type);
  const unchanged = previous !== undefined && previous.reason === condition.reason;
  return {
    ...condition,
    status: 'True',
    lastTransitionTime: unchanged ? previous.lastTransitionTime : formatTime(now),
  };
}

function withTimes(verdict: Verdict, { pod, now }: StatusInput): PodCondition {
  const previous = conditionOf<PodCondition>(pod, verdict.type);
  const unchanged = previous?.status === verdict.status;
  const { generation } = pod.metadata ?? {};
  return {
    ...verdict,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: unchanged ? previous.lastTransitionTime : formatTime(now),
  };
}

function disruption({ verdict }: StatusInput): Verdict[] {
  if (!verdict?.disrupted) return [];
  const { message } = verdict;
  return [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }];
}

function initialized(pod: Pod, { phase, initStatuses, statuses }: Observed): Verdict {
  const type = 'Initialized';
  const init = pod.spec?.initContainers ?? [];
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  // Once app containers have run, the init containers have ended, even if their records were removed.
  if (statuses.some((status) => status.started || status.state?.running || status.lastState?.terminated)) {
    return { type, status: 'True' };
  }
  const incomplete = init
    .filter((container) => {
      const status = initStatuses.find((each) => each.name === container.name);
      return isSidecar(container) ? !status?.started : status?.state?.terminated?.exitCode !== 0;
    })
    .map(({ name }) => name);
  if (incomplete.length === 0) return { type, status: 'True' };
  const message = `containers with incomplete status: [${incomplete.join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReady({ phase, initStatuses, statuses }: Observed): Verdict {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const sidecars = initStatuses.filter((status) => status.state?.running && !status.ready && status.started);
  const unready = [...sidecars, ...statuses.filter((status) => !status.ready)].map(({ name }) => name);
  if (unready.length === 0) return { type, status: 'True' };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotReady', message };
}

function podReady(pod: Pod, containers: Verdict): Verdict {
  if (containers.status !== 'True') return containers;
  const type = 'Ready';
  const missing = (pod.spec?.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .flatMap((gate) => {
      const condition = conditionOf<PodCondition>(pod, gate);
      if (!condition) return [`corresponding condition of pod readiness gate "${gate}" does not exist.`];
      return condition.status === 'True'
        ? []
        : [`the status of pod readiness gate "${gate}" is not "True", but ${condition.status}`];
    });
  if (missing.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') };
}
