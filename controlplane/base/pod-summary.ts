// The one-word STATUS of a pod and its counts, as `kubectl get pods` shows them; for the API's tables and the console.
import { isConditionTrue, isReady } from './condition-state';

interface ContainerFacts {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly running?: object;
    readonly terminated?: Ended;
  };
  readonly lastState?: { readonly terminated?: { readonly finishedAt?: string } };
}
interface Ended {
  readonly reason?: string;
  readonly signal?: number;
  readonly exitCode: number;
}
/** The fields of a v1 Pod that decide. */
export interface PodFacts {
  readonly metadata?: { readonly deletionTimestamp?: string };
  readonly spec?: {
    readonly containers?: readonly object[];
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly initContainerStatuses?: readonly ContainerFacts[];
    readonly containerStatuses?: readonly ContainerFacts[];
  };
}

export interface PodSummary {
  readonly ready: number;
  readonly total: number;
  /** The STATUS column: the phase, or a more exact reason. */
  readonly reason: string;
  readonly restarts: number;
  /** The end of the newest run before the present one, in ms. */
  readonly lastRestart?: number;
}

/** The first unfinished init container decides the status; if there is none, the app containers do. */
export function summarizePod(pod: PodFacts): PodSummary {
  const { spec, status, metadata } = pod;
  const initSpecs = spec?.initContainers ?? [];
  const sidecars = new Set(initSpecs.filter(({ restartPolicy }) => restartPolicy === 'Always').map((one) => one.name));
  const total = (spec?.containers ?? []).length + sidecars.size;
  const initStatuses = status?.initContainerStatuses ?? [];
  const init = summarizeInit(initStatuses, initSpecs.length, sidecars);
  const gated = (status?.conditions ?? []).some(
    (one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated',
  );
  const phase = gated ? 'SchedulingGated' : status?.reason || (status?.phase ?? '');
  const initialized = isConditionTrue(pod, 'Initialized');
  const main = init.reason === undefined || initialized;
  const runs = main ? initStatuses.filter(({ name }) => sidecars.has(name)) : initStatuses;
  const apps = main ? summarizeApps(pod, init.reason ?? phase) : { reason: init.reason ?? phase, ready: 0 };
  const counted = main ? [...runs, ...(status?.containerStatuses ?? [])] : runs;
  const reason = metadata?.deletionTimestamp ? terminatingReason(pod, apps.reason) : apps.reason;
  return { ready: init.ready + apps.ready, total, reason, ...restartsOf(counted) };
}

function terminatingReason({ status }: PodFacts, reason: string): string {
  if (status?.reason === 'NodeLost') return 'Unknown';
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' ? reason : 'Terminating';
}

function summarizeInit(
  statuses: readonly ContainerFacts[],
  total: number,
  sidecars: ReadonlySet<string>,
): { ready: number; reason?: string } {
  let ready = 0;
  for (const [i, { name, state, started, ready: isUp }] of statuses.entries()) {
    if (state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(name) && started) {
      if (isUp) ready++;
      continue;
    }
    if (state?.terminated) return { ready, reason: `Init:${terminatedReason(state.terminated)}` };
    const waiting = state?.waiting?.reason;
    if (waiting && waiting !== 'PodInitializing') return { ready, reason: `Init:${waiting}` };
    return { ready, reason: `Init:${i}/${total}` };
  }
  return { ready };
}

function terminatedReason({ reason, signal, exitCode }: Ended): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

/** The reason is that of the first container that is not running normally. */
function summarizeApps(pod: PodFacts, phase: string): { ready: number; reason: string } {
  let reason = phase;
  let ready = 0;
  for (const { state, ready: isUp } of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = terminatedReason(state.terminated);
    else if (isUp && state?.running) ready++;
  }
  if (reason === 'Completed' && ready > 0) reason = isReady(pod) ? 'Running' : 'NotReady';
  return { ready, reason };
}

function restartsOf(statuses: readonly ContainerFacts[]): { restarts: number; lastRestart?: number } {
  const restarts = statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
  const ends = statuses
    .map(({ lastState }) => Date.parse(lastState?.terminated?.finishedAt ?? ''))
    .filter((ms) => ms > 0);
  return ends.length === 0 ? { restarts } : { restarts, lastRestart: Math.max(...ends) };
}
