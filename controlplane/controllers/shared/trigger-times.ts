// When the change happened that led to a write of a Service's slices. From this annotation kube-proxy computes how long the change took
// to reach the kernel (kubeproxy_network_programming_duration_seconds, an SLI of SIG Scalability).
import { conditionOf } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import type { Service } from '../../api/service';

/** The annotation. */
export const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Known {
  readonly service: number;
  readonly pods: ReadonlyMap<string, number>;
}

/** Remembers, for each Service, the times that it has returned. */
export class TriggerTimes {
  private readonly known = new Map<string, Known>();

  /**
   * The time of the earliest change since the last call for this key, in RFC 3339. Undefined when no change has a time: as upstream, a
   * deleted pod has none.
   */
  observe(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.known.get(key);
    const now: Known = {
      service: timeOf(service.metadata?.creationTimestamp),
      pods: new Map(pods.map((pod) => [pod.metadata?.uid ?? '', readyChanged(pod)])),
    };
    this.known.set(key, now);
    const changed = [...now.pods].filter(([uid, at]) => at > (before?.pods.get(uid) ?? 0)).map(([, at]) => at);
    if (now.service > (before?.service ?? 0)) changed.push(now.service);
    return changed.length > 0 ? new Date(Math.min(...changed)).toISOString() : undefined;
  }

  forget(key: string): void {
    this.known.delete(key);
  }
}

/** Milliseconds since the epoch; 0 while unknown. */
const timeOf = (text: Date | string | undefined): number => (text === undefined ? 0 : new Date(text).getTime() || 0);
const readyChanged = (pod: Pod): number => timeOf(conditionOf(pod, 'Ready')?.lastTransitionTime);
