// Graceful node shutdown: how long pods of each priority have, and in which order they end. Pure. Source: kubernetes.io "Node Shutdowns",
// KEP-2000 and KEP-2712.
import { type Pod, systemCriticalPriority } from '../../../controlplane/api';
import { BadRequest } from '../../../controlplane/base/errors';

export const shutdownReason = 'Terminated';
export const shutdownMessage = 'Pod was terminated in response to imminent node shutdown.';

export interface ShutdownPeriod {
  /** The lowest priority of the pods that the period is for. */
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownSettings {
  readonly periodMs: number;
  /** The part of the period that is for critical pods. */
  readonly criticalMs: number;
  readonly byPriority: readonly ShutdownPeriod[];
}

/** From the lowest priority to the highest; empty when pods are not to be failed. @throws BadRequest for settings that do not fit */
export function shutdownPeriods({ periodMs, criticalMs, byPriority }: ShutdownSettings): readonly ShutdownPeriod[] {
  for (const [name, ms] of Object.entries({
    shutdownGracePeriod: periodMs,
    shutdownGracePeriodCriticalPods: criticalMs,
  })) {
    if (ms !== 0 && ms < 1000) throw invalid(`${name} ${ms}ms must be either zero or otherwise >= 1 sec`);
  }
  if (criticalMs > periodMs) {
    throw invalid(
      `shutdownGracePeriodCriticalPods ${criticalMs / 1000}s must be <= shutdownGracePeriod ${periodMs / 1000}s`,
    );
  }
  if (byPriority.length > 0 && periodMs > 0) {
    throw invalid('Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time');
  }
  if (byPriority.length > 0) return byPriority.toSorted((a, b) => a.priority - b.priority);
  if (periodMs === 0) return [];
  const critical = Math.floor(criticalMs / 1000);
  return [
    { priority: 0, seconds: Math.floor((periodMs - criticalMs) / 1000) },
    { priority: systemCriticalPriority, seconds: critical },
  ];
}

/** PRIORITY=SECONDS, separated by commas. @throws BadRequest */
export function parseShutdownPeriods(text: string): readonly ShutdownPeriod[] {
  if (text === '') return [];
  return text.split(',').map((part) => {
    const [, priority, seconds] = /^(-?\d{1,10})=(\d{1,10})$/.exec(part) ?? [];
    if (priority === undefined) throw new BadRequest(`expected PRIORITY=SECONDS, not ${JSON.stringify(part)}`);
    return { priority: Number(priority), seconds: Number(seconds) };
  });
}

const invalid = (message: string) => new BadRequest(`invalid configuration: ${message}`);

export interface ShutdownGroup extends ShutdownPeriod {
  readonly pods: readonly Pod[];
}

/** In the order in which they end; groups without pods take no time. A pod below all priorities belongs to the first group. */
export function shutdownGroups(periods: readonly ShutdownPeriod[], pods: readonly Pod[]): readonly ShutdownGroup[] {
  const indexOf = ({ spec }: Pod) =>
    Math.max(
      0,
      periods.findLastIndex(({ priority }) => priority <= (spec?.priority ?? 0)),
    );
  return periods
    .map((period, index) => ({ ...period, pods: pods.filter((pod) => indexOf(pod) === index) }))
    .filter((group) => group.pods.length > 0);
}
