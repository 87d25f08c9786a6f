// The last step for a deleted pod: writes its final status, then deletes the object from the API.
import { type Pod, pods } from '../../../controlplane/api';
import { describeError, isNotFound } from '../../../controlplane/base/errors';
import type { Client } from '../../../controlplane/client/client';
import { identityOf } from '../spec/container-spec';
import type { PodStatus } from './status-input';
import type { StatusWriter } from './status-writer';

export interface DeletePodDeps {
  readonly statuses: StatusWriter;
  readonly client: Client;
}

/** Repeatable. It never deletes a new pod of the same name. */
export async function deletePod({ statuses, client }: DeletePodDeps, pod: Pod, last: PodStatus): Promise<void> {
  const { uid, namespace, name } = identityOf(pod);
  statuses.mark({ pod, status: () => last });
  await statuses.flushed(uid);
  try {
    await client.delete(pods, `${namespace}/${name}`, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (err) {
    // Another client has deleted the pod, or a new pod has its name already.
    if (!isNotFound(err) && !/uid/i.test(describeError(err))) throw err;
  }
}
