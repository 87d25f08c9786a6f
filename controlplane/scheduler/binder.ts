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
  /** Of the profile of this pod. */
  readonly eventsOf: (schedulerName: string) => EventRecorder;
  readonly reports: FailureReports;
  readonly now: () => number;
}

/** POST pods/binding. With the uid, a newer pod of the same name is not bound. @throws what the client throws */
export async function bind(
  { client, eventsOf }: BinderDeps,
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
  recordBinding({ eventsOf }, info, node);
}

/** The Event of a binding. */
export function recordBinding({ eventsOf }: Pick<BinderDeps, 'eventsOf'>, info: PodInfo, node: string): void {
  eventsOf(info.schedulerName).record(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${node}`);
}

export interface Failure {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** The node to wait for. '' clears an earlier node; when absent, the earlier node stays. */
  readonly nominate?: string;
  /** The node that the status shows now, when it is not the one of the given pod. */
  readonly shown?: string;
}

/** Reports on the pod and as an Event why the pod has no node. Writes the status only when the status changes. */
export async function reportFailure(
  { client, eventsOf, reports, now }: BinderDeps,
  { pod, schedulerName }: PodInfo,
  failure: Failure,
  signal: AbortSignal,
): Promise<void> {
  const { reason, message, shown = pod.status?.nominatedNodeName ?? '', nominate = shown } = failure;
  const { namespace, name, uid } = pod.metadata ?? {};
  if (reports.isDue(uid ?? '', message, now())) {
    eventsOf(schedulerName).record(pod, 'Warning', 'FailedScheduling', message);
  }
  const same = nominate === shown;
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
  { client, eventsOf, now }: BinderDeps,
  victim: Pod,
  { preemptor, node }: { readonly preemptor: PodInfo; readonly node: string },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = victim.metadata ?? {};
  const key = `${namespace}/${name}`;
  const next = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${preemptor.schedulerName}: preempting to accommodate a higher priority pod`,
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
  eventsOf(preemptor.schedulerName).record(
    victim,
    'Normal',
    'Preempted',
    `Preempted by pod ${preemptor.uid} on node ${node}`,
  );
}

/** Shows the node that the pod will have; undefined clears it, e.g. when a more important pod takes the room there. */
export async function nominate(
  { client }: BinderDeps,
  pod: Pod,
  node: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata ?? {};
  const patch = { metadata: { uid }, status: { nominatedNodeName: node ?? null } };
  await client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status', signal });
}
