// Finds the pod and the container that a request to the kubelet's server names.
import type { Pod } from '../../../controlplane/api';
import { BadRequest, NotFound } from '../../../controlplane/base/errors';
import type { Lister } from '../../../controlplane/client/informer';
import type { PodRecords } from '../pod/pod-records';
import { allStatuses } from '../pod/status-input';
import { isSandbox, labels } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';

export class PodLookup {
  constructor(
    readonly pods: Lister<Pod>,
    private readonly records: PodRecords,
  ) {}

  /** @throws NotFound */
  pod(namespace: string, name: string): Pod {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (!pod) throw new NotFound(`pod "${name}" does not exist on this node`);
    return pod;
  }

  /** @throws NotFound when the pod has no running sandbox */
  sandbox(namespace: string, name: string): ContainerRecord {
    const records = this.records.ofPod(this.pod(namespace, name).metadata?.uid ?? '');
    const sandbox = records.find((record) => isSandbox(record) && record.state === 'running');
    if (!sandbox) throw new NotFound(`pod "${name}" has no network: it is not running`);
    return sandbox;
  }

  /** @throws NotFound, BadRequest when the container does not run */
  running(namespace: string, name: string, container: string): ContainerRecord {
    const [latest] = this.ofContainer(namespace, name, container);
    if (!latest) throw new NotFound(`container not found ("${container}")`);
    if (latest.state !== 'running') throw new BadRequest(`container "${container}" in pod "${name}" is not running`);
    return latest;
  }

  /** The container whose log to show. @throws NotFound, BadRequest with the reason why there is no log */
  forLogs(namespace: string, name: string, container: string, previous: boolean): ContainerRecord {
    const pod = this.pod(namespace, name);
    const [latest, before] = this.ofContainer(namespace, name, container);
    const status = allStatuses(pod.status).find((each) => each.name === container);
    if (previous) {
      const waits = latest?.state === 'exited' && status?.state?.waiting;
      const wanted = waits ? latest : before;
      if (!wanted) throw new BadRequest(`previous terminated container "${container}" in pod "${name}" not found`);
      return wanted;
    }
    if (latest) return latest;
    // The container ran, and was removed from Docker later, by `docker container prune` for example.
    const ended = status?.state?.terminated?.containerID;
    if (ended) throw new BadRequest(`unable to retrieve container logs for ${ended}: it is no longer on the node`);
    const reason = status?.state?.waiting?.reason;
    const prefix = `container "${container}" in pod "${name}" is waiting to start: `;
    if (reason === 'ErrImagePull') throw new BadRequest(`${prefix}image can't be pulled`);
    if (reason === 'ImagePullBackOff') throw new BadRequest(`${prefix}trying and failing to pull image`);
    throw new BadRequest(`${prefix}${reason ?? 'ContainerCreating'}`);
  }

  /** Newest first, without records that were never started. */
  private ofContainer(namespace: string, name: string, container: string): ContainerRecord[] {
    const uid = this.pod(namespace, name).metadata?.uid ?? '';
    return this.records
      .ofPod(uid)
      .filter(
        (each) => !isSandbox(each) && each.labels[labels.containerName] === container && each.state !== 'created',
      );
  }
}
