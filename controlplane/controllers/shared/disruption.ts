// Reports on the pod itself why the control plane deletes it: condition DisruptionTarget (KEP-3329).
import { conditionAfter, conditionOf } from '../../api/conditions';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { metaOf } from './owner';

export interface Disruption {
  readonly reason: 'DeletionByPodGC' | 'DeletionByTaintManager';
  readonly message: string;
}

/** A deleted or replaced pod is no error. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  disruption: Disruption,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  await patchStatus(client, pod, { conditions: [conditionFor(pod, disruption, now)] }, signal);
}

/** Of a pod whose kubelet will never report again: it becomes Failed, unless it has ended. A deleted or replaced pod is no error. */
export async function markFailed(
  client: Client,
  pod: Pod,
  disruption: Disruption | undefined,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  if (isTerminal(pod)) return;
  const conditions = disruption ? { conditions: [conditionFor(pod, disruption, now)] } : {};
  await patchStatus(
    client,
    pod,
    { phase: 'Failed', observedGeneration: pod.metadata?.generation, ...conditions },
    signal,
  );
}

function conditionFor(pod: Pod, { reason, message }: Disruption, now: number) {
  const observedGeneration = pod.metadata?.generation;
  const next = { type: 'DisruptionTarget', status: 'True', reason, message, observedGeneration };
  return conditionAfter(conditionOf(pod, next.type), next, now);
}

async function patchStatus(client: Client, pod: Pod, status: object, signal: AbortSignal): Promise<void> {
  const patch = { metadata: { uid: metaOf(pod).uid }, status };
  try {
    await client.patch(pods, objectKey(pod), 'strategic', patch, { subresource: 'status', signal });
  } catch (err) {
    if (!isNotFound(err) && !isConflict(err)) throw err;
  }
}
