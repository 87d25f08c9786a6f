// Which containers of a pod are probed.
import type { Pod } from '../../../controlplane/api';
import { isSandbox, labels } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { type Container, findContainer } from '../spec/container';
import type { PodDeps } from './deps';
import type { ObservedPod } from './observed-pod';

/** Probes begin when the container runs and its postStart hook has ended. */
export function watchProbes(
  deps: PodDeps,
  pod: Pod,
  container: Container,
  record: ContainerRecord | undefined,
  podIp: string | undefined,
): void {
  if (record?.state !== 'running') return;
  const startedAtMs = record.startedAtMs ?? deps.clock.now();
  const before = statusBefore(pod, record.id);
  deps.probes.watch({ pod, container, id: record.id, podIp: podIp ?? deps.node.nodeIps[0]!, startedAtMs, before });
}

/**
 * Every running container is probed: also one from before this kubelet, and one whose start Docker's event reports before its
 * answer, so that no status in between says it was not ready. `isStarting`: a start is under way.
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
    // A postStart hook comes first.
    if (!container || (isStarting(name) && container.lifecycle?.postStart)) continue;
    watchProbes(deps, pod, container, record, podIps[0]);
  }
  for (const record of records) if (record.state === 'exited') deps.probes.unwatch(record.id);
}

/** What an earlier kubelet wrote about this very container. */
function statusBefore(pod: Pod, id: string): { started: boolean; ready: boolean } | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses].find((each) => each.containerID === `docker://${id}`);
  return status && { started: status.started ?? false, ready: status.ready };
}
