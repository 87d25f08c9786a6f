// Reports on the pod itself why the control plane deletes it: condition DisruptionTarget (KEP-3329).
import { conditionAfter, conditionOf } from '../../api/conditions';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { metaOf } from './owner';

/** A pod whose kubelet will never report again is also marked Failed. A deleted or replaced pod is no error. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  reason: 'DeletionByPodGC' | 'DeletionByTaintManager',
  message: string,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const next = { type: 'DisruptionTarget', status: 'True', reason, message };
  const condition = conditionAfter(conditionOf(pod, next.type), next, now);
  const fail = reason === 'DeletionByPodGC' && !isTerminal(pod);
  const status = { conditions: [condition], ...(fail ? { phase: 'Failed' } : {}) };
  await patchStatus(client, pod, status, signal);
}

/** For a pod whose kubelet will never report again, before its deletion. A deleted or replaced pod is no error. */
export async function markFailed(client: Client, pod: Pod, signal: AbortSignal): Promise<void> {
  if (!isTerminal(pod)) await patchStatus(client, pod, { phase: 'Failed' }, signal);
}

async function patchStatus(client: Client, pod: Pod, status: object, signal: AbortSignal): Promise<void> {
  const patch = { metadata: { uid: metaOf(pod).uid }, status };
  try {
    await client.patch(pods, objectKey(pod), 'strategic', patch, { subresource: 'status', signal });
  } catch (err) {
    if (!isNotFound(err) && !isConflict(err)) throw err;
  }
}
