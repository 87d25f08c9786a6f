// The effects of a decision: the binding, the PodScheduled condition, the Events.
import { type Pod, pods } from '../api/pod';
import { formatTime } from '../base/clock';
import type { Client } from '../client/client';
import type { EventRecorder } from '../client/event-recorder';
import type { PodInfo } from './pod-info';

export interface BinderDeps {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly now: () => number;
}

/** POST pods/binding. The uid keeps a namesake made meanwhile from being bound. @throws what the client throws */
export async function bind(
  { client, events }: BinderDeps,
  info: PodInfo,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = info.pod.metadata ?? {};
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { namespace, name, uid },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  };
  await client.post(pods, info.key, 'binding', binding, signal);
  events.record(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${node}`);
}

/** Says on the pod and as an Event why it has no node; writes the condition only when it says something new. */
export async function reportFailure(
  { client, events, now }: BinderDeps,
  pod: Pod,
  reason: 'Unschedulable' | 'SchedulerError',
  message: string,
  signal: AbortSignal,
): Promise<void> {
  events.record(pod, 'Warning', 'FailedScheduling', message);
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (before?.status === 'False' && before.reason === reason && before.message === message) return;
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : formatTime(now());
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastProbeTime: null,
    lastTransitionTime,
    observedGeneration: pod.metadata?.generation,
  };
  const { namespace, name, uid } = pod.metadata ?? {};
  const patch = { metadata: { uid }, status: { conditions: [condition] } };
  await client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status', signal });
}
