// Which containers of a pod are probed.
import type { Pod } from '../../../controlplane/api';
import { isSandbox, labels } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { type Container, findContainer, findEphemeral } from '../spec/container';
import type { PodDeps } from './deps';
import type { ObservedPod } from './observed-pod';

/** Probes begin when the container runs and its postStart hook has ended. An ephemeral container has none: it is never ready. */
export function watchProbes(
  deps: PodDeps,
  pod: Pod,
  container: Container,
  record: ContainerRecord | undefined,
  podIp: string | undefined,
): void {
  if (record?.state !== 'running' || findEphemeral(pod, container.name)) return;
  const startedAtMs = record.startedAtMs ?? deps.clock.now();
  const before = statusBefore(pod, record.id);
  deps.probes.watch({ pod, container, id: record.id, podIp: podIp ?? deps.node.nodeIps[0]!, startedAtMs, before });
}

/**
 * Probes every running container. That includes containers from before this kubelet, and containers whose start Docker reports by an
 * event before its answer; otherwise a status in between would say "not ready". `isStarting`: a start is running.
 */
export function watchRunning(
  deps: PodDeps,
  pod: Pod,
  observed: ObservedPod,
  isStarting: (container: string) => boolean,
): void {
  const { records, podIps } = observed;
  for (const record of records) {
    const name = record.labels[labels.containerName] ?? '';
    if (isSandbox(record) || record.state !== 'running') continue;
    const container = findContainer(pod, name);
    // Probes begin after the postStart hook.
    if (!container || (isStarting(name) && container.lifecycle?.postStart)) continue;
    watchProbes(deps, pod, container, record, podIps[0]);
  }
  for (const record of records) if (record.state === 'exited') deps.probes.unwatch(record.id);
}

/** The status that an earlier kubelet wrote about this container. */
function statusBefore(pod: Pod, id: string): { started: boolean; ready: boolean } | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses].find((each) => each.containerID === `docker://${id}`);
  return status && { started: status.started ?? false, ready: status.ready };
}
