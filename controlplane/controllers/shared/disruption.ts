// Tells on the pod itself why the control plane ends it: condition DisruptionTarget (KEP-3329).
import { type Pod, pods } from '../../api/pod';
import { objectKey } from '../../api/types';
import { formatTime } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import { metaOf } from './owner';
import { isTerminal } from './pod';

/** A pod that will never report again is also marked Failed. Gone or replaced pods count as done. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  reason: 'DeletionByPodGC' | 'DeletionByTaintManager',
  message: string,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: formatTime(now) };
  const fail = reason === 'DeletionByPodGC' && !isTerminal(pod);
  const status = { conditions: [condition], ...(fail ? { phase: 'Failed' } : {}) };
  const patch = { metadata: { uid: metaOf(pod).uid }, status };
  try {
    await client.patch(pods, objectKey(pod), 'strategic', patch, { subresource: 'status', signal });
  } catch (err) {
    if (!isNotFound(err) && !isConflict(err)) throw err;
  }
}
