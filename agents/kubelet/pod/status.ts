// The status of a pod from its observed state. Pure; the same input gives the same bytes.
// Source: kubernetes.io "Pod Lifecycle". Clients look for these reasons and messages.
import { afterEnd, allContainers, isSidecar, isTerminal, type Pod, qosClass } from '../../../controlplane/api';
import { formatTime } from '../../../controlplane/base/clock';
import { isSandbox, labels, restartCountOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { reportedResources } from '../spec/container-resources';
import { podConditions } from './conditions';
import { podResources } from './pod-resources';
import {
  allStatuses,
  type ContainerStatus,
  type PodStatus,
  type StatusInput,
  type WaitingReason,
} from './status-input';

type ContainerState = NonNullable<ContainerStatus['state']>;
type Terminated = NonNullable<ContainerState['terminated']>;

export function podStatus(input: StatusInput): PodStatus {
  const { pod, now, nodeIps } = input;
  // As upstream: a pod is not reported as failed while a container of it runs. Its owner would start another one next to it.
  // The sandbox does not count: it is stopped after them, and by then their exit codes alone would already have ended the pod.
  const ends = !isTerminal(pod) && input.records.some((each) => each.state === 'running' && !isSandbox(each));
  const verdict = ends ? undefined : input.verdict;
  const previous = pod.status ?? {};
  const init = pod.spec?.initContainers ?? [];
  const initStatuses = init.map((each) => containerStatus(input, each, previous.initContainerStatuses));
  const statuses = (pod.spec?.containers ?? []).map((each) => ({
    ...containerStatus(input, each, previous.containerStatuses),
    ...devicesOf(input, each),
  }));
  const ephemeral = (pod.spec?.ephemeralContainers ?? []).map((each) => ephemeralStatus(input, each));
  const phase = verdict?.phase ?? podPhase(pod, initStatuses, statuses);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const podIps = input.podIps.length > 0 || !over ? input.podIps : lastIps(previous);
  const ips = pod.spec?.hostNetwork ? nodeIps : podIps;
  // A refused pod has no container that waits or is created.
  const neverRan = verdict?.rejected === true && input.records.length === 0 && !previous.containerStatuses;
  return {
    observedGeneration: pod.metadata?.generation,
    phase,
    ...(verdict ? { reason: verdict.reason, message: verdict.message } : {}),
    conditions: podConditions(input, { phase, initStatuses, statuses }),
    hostIP: nodeIps[0],
    hostIPs: nodeIps.map((ip) => ({ ip })),
    ...(ips.length > 0 ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: previous.startTime ?? formatTime(input.takenAtMs ?? now),
    ...(initStatuses.length > 0 && !neverRan ? { initContainerStatuses: initStatuses } : {}),
    ...(neverRan ? {} : { containerStatuses: statuses }),
    ...(ephemeral.length > 0 && !neverRan ? { ephemeralContainerStatuses: ephemeral } : {}),
    qosClass: previous.qosClass ?? qosClass(pod.spec ?? { containers: [] }),
    ...podResources(pod, phase === 'Running' ? input.group : undefined),
  };
}

const lastIps = ({ podIP, podIPs }: PodStatus): readonly string[] =>
  podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);

function containerStatus(
  input: StatusInput,
  container: Container,
  previousStatuses: readonly ContainerStatus[] | undefined,
): ContainerStatus {
  const { name } = container;
  const own = input.records.filter((each) => !isSandbox(each) && each.labels[labels.containerName] === name);
  const [current, before] = own.filter((each) => each.state !== 'created');
  const previous = previousStatuses?.find((each) => each.name === name);
  // One that ended for good waits for nothing: a start that was refused is its end.
  const waiting = current && endedForGood(input.pod, container, current) ? undefined : input.waiting.get(name);
  const running = current?.state === 'running';
  // A container that ended and will start again shows as waiting; its end becomes lastState.
  const resetStarts = input.resets?.get(name);
  const reset = resetStarts !== undefined || isReset(previous);
  const restarts = current?.state === 'exited' && (waiting !== undefined || own[0]?.state === 'created');
  const state = restarts || !current ? waitingState(input, previous, waiting, reset) : stateOf(input, current);
  const last = restarts ? current : before?.state === 'exited' ? before : undefined;

  const started = running && input.started(current.id);
  const finishedInit = isInit(input.pod, name) && current?.state === 'exited' && current.exitCode === 0;
  return {
    name,
    state,
    lastState: last ? stateOf(input, last) : lastStateWithoutRecord(reset, current ? undefined : previous),
    ready: running ? started && readyOf(input, container, current.id) : finishedInit && !isSidecar(container),
    restartCount: current ? restartCountOf(current) : (resetStarts ?? previous?.restartCount ?? 0),
    image: container.image ?? '',
    imageID: current ? input.imageRef(current.imageId, container.image ?? '') : '',
    ...(current
      ? { containerID: `docker://${current.id}`, ...resourcesOf(container, current, input.pod.spec?.resources) }
      : {}),
    ...(current ? userOf(input, current, previous) : {}),
    started,
  };
}

const endedForGood = ({ spec }: Pod, container: Container, { state, exitCode = 0 }: ContainerRecord): boolean =>
  state === 'exited' && afterEnd(container, spec?.restartPolicy, exitCode) === 'stay';

/** As upstream, app containers alone show their devices. */
function devicesOf(input: StatusInput, { name }: Container): Pick<ContainerStatus, 'allocatedResourcesStatus'> {
  const allocatedResourcesStatus = input.devices?.(name);
  return allocatedResourcesStatus ? { allocatedResourcesStatus } : {};
}

/** What an earlier kubelet reported about this run stays: it saw the container when it started. */
function userOf(
  input: StatusInput,
  record: ContainerRecord,
  previous: ContainerStatus | undefined,
): Pick<ContainerStatus, 'user'> {
  const reported = previous?.containerID === `docker://${record.id}` ? previous.user : undefined;
  const user = reported ?? input.user?.(record);
  return user ? { user } : {};
}

const restartingAll = 'RestartingAllContainers';
const removedMessage = 'The container is removed because RestartAllContainers in place';

/** The end of a container that was removed because all containers restart: its record is gone. In upstream's words. */
const resetEnd = { reason: restartingAll, message: removedMessage, exitCode: 137 };

function lastStateWithoutRecord(reset: boolean, previous: ContainerStatus | undefined): ContainerState {
  return reset ? { terminated: resetEnd } : (previous?.lastState ?? {});
}

const isReset = (status: ContainerStatus | undefined): boolean =>
  status?.lastState?.terminated?.reason === restartingAll;

/** What the container has, and what this node has promised to it. */
function resourcesOf(
  container: Container,
  record: ContainerRecord,
  ofPod: Container['resources'],
): Partial<ContainerStatus> {
  const { resources = {} } = container;
  return {
    resources: record.state === 'running' ? reportedResources(container, record, ofPod) : resources,
    ...(resources.requests ? { allocatedResources: resources.requests } : {}),
  };
}

/** An ephemeral container has no probes, and never starts again: its end stays its state, even after its record was removed. */
function ephemeralStatus(input: StatusInput, container: Container): ContainerStatus {
  const { name } = container;
  const previous = input.pod.status?.ephemeralContainerStatuses;
  const before = previous?.find((each) => each.name === name);
  const ran = input.records.some(
    (each) => !isSandbox(each) && each.labels[labels.containerName] === name && each.state !== 'created',
  );
  if (!ran && before?.containerID) {
    return before.state?.terminated ? before : { ...before, state: { terminated: lost(before) } };
  }
  const waiting = ran ? new Map<string, WaitingReason>() : input.waiting;
  const { started: _, ...status } = containerStatus({ ...input, waiting }, container, previous);
  return { ...status, ready: false };
}

/** The end of a container whose record was removed while it ran, in upstream's words. */
const lost = ({ state, containerID }: ContainerStatus): ContainerState['terminated'] => ({
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  ...(state?.running?.startedAt ? { startedAt: state.running.startedAt } : {}),
  ...(containerID ? { containerID } : {}),
});

const isInit = (pod: Pod, name: string): boolean =>
  (pod.spec?.initContainers ?? []).some((container) => container.name === name);

function readyOf(input: StatusInput, container: Container, id: string): boolean {
  // A running init container that runs once is never ready. The probes of a sidecar decide whether it is.
  if (isInit(input.pod, container.name) && !isSidecar(container)) return false;
  return input.ready(id);
}

function waitingState(
  { pod }: StatusInput,
  previous: ContainerStatus | undefined,
  waiting: WaitingReason | undefined,
  reset: boolean,
): ContainerState {
  if (waiting) return { waiting: { ...waiting } };
  if (reset) return { waiting: { reason: restartingAll, message: removedMessage } };
  // The record of a container that had ended for good was removed: its last status is kept.
  if (previous?.state?.terminated) return previous.state;
  const hasInit = (pod.spec?.initContainers?.length ?? 0) > 0;
  return { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } };
}

function stateOf(input: StatusInput, record: ContainerRecord): ContainerState {
  if (record.state === 'running') {
    return { running: { startedAt: formatTime(record.startedAtMs ?? record.createdAtMs) } };
  }
  const exitCode = record.exitCode ?? 0;
  const ended = record.oomKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
  const reason = record.startError ? 'StartError' : ended;
  const message = cut(record.startError ?? input.message(record.id) ?? '', maxMessageBytes(input.pod));
  return {
    terminated: {
      exitCode,
      reason,
      ...(message ? { message } : {}),
      startedAt: formatTime(record.startedAtMs ?? record.createdAtMs),
      finishedAt: formatTime(record.finishedAtMs ?? record.createdAtMs),
      containerID: `docker://${record.id}`,
    },
  };
}

/** As upstream: all messages of one pod together. */
const maxPodMessageBytes = 12 * 1024;

function maxMessageBytes({ spec }: Pod): number {
  return Math.floor(maxPodMessageBytes / Math.max(1, allContainers(spec ?? {}).length));
}

const cut = (text: string, maxBytes: number): string => {
  const bytes = Buffer.from(text);
  return bytes.length <= maxBytes ? text : bytes.subarray(0, maxBytes).toString('utf8');
};

function podPhase(
  pod: Pod,
  initStatuses: readonly ContainerStatus[],
  statuses: readonly ContainerStatus[],
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const { restartPolicy, initContainers: init = [], containers = [] } = pod.spec ?? {};
  const staysEnded = (container: Container | undefined, { reason, exitCode }: Terminated) =>
    reason !== restartingAll && afterEnd(container ?? { name: '' }, restartPolicy, exitCode) === 'stay';
  const began = statuses.some((each) => each.state?.running || each.state?.terminated || each.lastState?.terminated);
  for (const status of began ? [] : initStatuses) {
    const container = init.find(({ name }) => name === status.name) ?? { name: '' };
    const sidecar = isSidecar(container);
    const { terminated } = status.state ?? {};
    if (terminated && terminated.exitCode !== 0 && !sidecar && staysEnded(container, terminated)) return 'Failed';
    if (!(sidecar ? status.started : terminated?.exitCode === 0)) return 'Pending';
  }
  const never = statuses.filter((each) => each.state?.waiting && !each.lastState?.terminated);
  if (never.length > 0) return 'Pending';
  if (statuses.some((each) => each.state?.running)) return 'Running';
  const ends = statuses.map((each) => each.state?.terminated ?? each.lastState?.terminated ?? { exitCode: 0 });
  if (!ends.every((end, i) => staysEnded(containers[i], end))) return 'Running';
  return ends.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed';
}

/** Starts of a container that has no record any more, from the pod's last status. */
export function startsBefore(pod: Pod, name: string): number {
  const status = allStatuses(pod.status).find((each) => each.name === name);
  if (status && !status.containerID && isReset(status)) return status.restartCount;
  return status?.containerID ? status.restartCount + 1 : 0;
}
