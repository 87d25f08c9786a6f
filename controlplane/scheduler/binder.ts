// The effects of a decision: the binding, the PodScheduled condition, the Events.
import { conditionAfter, conditionOf } from '../api/conditions';
import { type Pod, pods } from '../api/pod';
import { isConflict, isNotFound } from '../base/errors';
import type { Client } from '../client/client';
import type { EventRecorder } from '../client/event-recorder';
import type { FailureReports } from './failure-reports';
import type { PodInfo } from './pod-info';

export interface BinderDeps {
  readonly client: Client;
  readonly events: EventRecorder;
  readonly reports: FailureReports;
  readonly now: () => number;
}

/** POST pods/binding. With the uid, a newer pod of the same name is not bound. @throws what the client throws */
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

export interface Failure {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** The node to wait for. '' clears an earlier node; when absent, the earlier node stays. */
  readonly nominate?: string;
}

/** Reports on the pod and as an Event why the pod has no node. Writes the status only when the status changes. */
export async function reportFailure(
  { client, events, reports, now }: BinderDeps,
  pod: Pod,
  { reason, message, nominate = pod.status?.nominatedNodeName ?? '' }: Failure,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata ?? {};
  if (reports.isDue(uid ?? '', message, now())) events.record(pod, 'Warning', 'FailedScheduling', message);
  const same = nominate === (pod.status?.nominatedNodeName ?? '');
  const before = conditionOf(pod, 'PodScheduled');
  if (same && before?.status === 'False' && before.reason === reason && before.message === message) return;
  const next = { type: 'PodScheduled', status: 'False', reason, message, observedGeneration: pod.metadata?.generation };
  const condition = { ...conditionAfter(before, next, now()), lastProbeTime: null };
  const nomination = same ? {} : { nominatedNodeName: nominate === '' ? null : nominate };
  const patch = { metadata: { uid }, status: { conditions: [condition], ...nomination } };
  await client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status', signal });
}

/** Deletes a pod to make room for a more important pod, after the pod's condition reports it. A missing victim is no error. */
export async function evict(
  { client, events, now }: BinderDeps,
  victim: Pod,
  {
    preemptor,
    node,
    schedulerName,
  }: { readonly preemptor: PodInfo; readonly node: string; readonly schedulerName: string },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = victim.metadata ?? {};
  const key = `${namespace}/${name}`;
  const next = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
  };
  const condition = conditionAfter(conditionOf(victim, next.type), next, now());
  try {
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    await client.patch(pods, key, 'strategic', patch, { subresource: 'status', signal });
    await client.delete(pods, key, { preconditions: { uid }, signal });
  } catch (err) {
    if (isNotFound(err) || isConflict(err)) return;
    throw err;
  }
  events.record(victim, 'Normal', 'Preempted', `Preempted by pod ${preemptor.uid} on node ${node}`);
}

/** Clears the nominated node of a pod when a more important pod takes the room there. */
export async function clearNomination({ client }: BinderDeps, pod: Pod, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = pod.metadata ?? {};
  const patch = { metadata: { uid }, status: { nominatedNodeName: null } };
  await client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status', signal });
}
