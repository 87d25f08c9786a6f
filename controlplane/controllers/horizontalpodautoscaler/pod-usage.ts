// What the pods of a target use of one resource, and which of them count. Pure. The rules are those of upstream's replica calculator.
import { conditionOf } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { initAndAppContainers, isSidecar } from '../../api/pods/facts';
import { requestsOf } from '../../api/pods/requests';
import { formatQuantity, milliValue } from '../../api/quantity';
import type { PodMetrics } from '../../api/resource-metrics';
import { goDurationMs } from '../../base/duration';
import { isDeleting } from '../shared/owner';

export interface Usage {
  /** Thousandths of a unit. */
  readonly milli: number;
  readonly at: number;
  readonly windowMs: number;
}
/** Which resource, of which container; of all containers by default. */
export interface Wanted {
  readonly resource: string;
  readonly container?: string;
}

const defaultWindowMs = 60_000;
/** A pod that started a moment ago uses more CPU than later. */
const startingMs = 5 * 60_000;
/** A pod that became unready so soon after its start was never ready. */
const firstReadinessMs = 30_000;

/** Pod name → usage. A pod that lacks the resource in one container has none. */
export function usageByPod(metrics: readonly PodMetrics[], { resource, container }: Wanted): Map<string, Usage> {
  const usages = new Map<string, Usage>();
  for (const { metadata, timestamp, window, containers = [] } of metrics) {
    const chosen = container === undefined ? containers : containers.filter(({ name }) => name === container);
    const amounts = chosen.map(({ usage }) => usage?.[resource]);
    if (metadata?.name === undefined || amounts.length === 0 || amounts.includes(undefined)) continue;
    const milli = amounts.reduce((total, amount) => total + milliValue(amount!), 0);
    usages.set(metadata.name, {
      milli,
      at: Date.parse(timestamp ?? '') || 0,
      windowMs: goDurationMs(window ?? '') ?? defaultWindowMs,
    });
  }
  return usages;
}

export interface PodGroups {
  readonly ready: number;
  /** They start, or are not ready: what they use says nothing yet. */
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  /** They have failed or are being deleted. */
  readonly ignored: ReadonlySet<string>;
}

export function groupPods(
  pods: readonly Pod[],
  usages: ReadonlyMap<string, Usage>,
  resource: string,
  now: number,
): PodGroups {
  const groups = { ready: 0, unready: new Set<string>(), missing: new Set<string>(), ignored: new Set<string>() };
  for (const pod of pods) {
    const name = pod.metadata?.name ?? '';
    const usage = usages.get(name);
    if (isDeleting(pod) || pod.status?.phase === 'Failed') groups.ignored.add(name);
    else if (pod.status?.phase === 'Pending') groups.unready.add(name);
    else if (!usage) groups.missing.add(name);
    else if (resource === 'cpu' && isStarting(pod, usage, now)) groups.unready.add(name);
    else groups.ready++;
  }
  return groups;
}

function isStarting(pod: Pod, usage: Usage, now: number): boolean {
  const ready = conditionOf(pod, 'Ready');
  const started = Date.parse(pod.status?.startTime ?? '');
  if (!ready || Number.isNaN(started)) return true;
  const since = Date.parse(ready.lastTransitionTime ?? '') || 0;
  if (started + startingMs > now) return ready.status === 'False' || usage.at < since + usage.windowMs;
  return ready.status === 'False' && started + firstReadinessMs > since;
}

/** Pod name → thousandths that it requests, or the words of the error. */
export function requestsByPod(pods: readonly Pod[], wanted: Wanted): Map<string, number> | string {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    const request =
      wanted.container === undefined && hasPodRequests(pod)
        ? podRequest(pod, wanted.resource)
        : containersRequest(pod, wanted);
    if (typeof request === 'string') return request;
    requests.set(pod.metadata?.name ?? '', request);
  }
  return requests;
}

/** Resources that a pod as a whole may request. Source: KEP-2837. */
const hasPodRequests = ({ spec }: Pod): boolean =>
  Object.keys(spec?.resources?.requests ?? {}).some((name) => /^(?:cpu|memory|hugepages-.*)$/.test(name));

function podRequest({ metadata, spec }: Pod, resource: string): number | string {
  const request = requestsOf(spec!)[resource];
  if (!request) return `missing pod-level request for ${resource} in Pod ${metadata?.name}`;
  return milliValue(formatQuantity(request)) + milliValue(spec?.overhead?.[resource] ?? 0);
}

function containersRequest({ metadata, spec }: Pod, { resource, container }: Wanted): number | string {
  const lasting = initAndAppContainers(spec ?? {}).filter((each) => spec?.containers.includes(each) || isSidecar(each));
  const chosen = container === undefined ? lasting : lasting.filter(({ name }) => name === container);
  if (chosen.length === 0 && container !== undefined)
    return `container ${container} not found in Pod ${metadata?.name}`;
  let total = 0;
  for (const { name, resources } of chosen) {
    const request = resources?.requests?.[resource];
    if (request === undefined) return `missing request for ${resource} in container ${name} of Pod ${metadata?.name}`;
    total += milliValue(request);
  }
  return total;
}
