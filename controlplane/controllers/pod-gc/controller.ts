// Removes pods that no kubelet will remove.

import type { Node } from '../../api/node';
import { nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { type Disruption, markFailed } from '../shared/disruption';
import { isDeleting, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { isOutOfService, isUnscheduledTerminating, maxTerminated, planTerminated, quarantineMs } from './plan';

const workers = 4;

export class PodGcController implements Controller {
  private readonly pods: TrackedInformer<Pod>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  /** Finished pods, to see when there are too many. */
  private readonly finished = new Set<string>();

  constructor(private readonly deps: Deps) {
    this.pods = deps.informers.of(pods);
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.pods.synced(signal), this.nodes.synced(signal)]);
    this.pods.onChange(({ type, key, object }) => {
      if (type !== 'deleted' && isTerminal(object)) this.finished.add(key);
      else this.finished.delete(key);
      if (type === 'deleted') return;
      if (isUnscheduledTerminating(object) || this.isCutOff(object)) this.queue.add(key);
      if (this.isOrphan(object)) this.queue.addAfter(key, quarantineMs);
      if (this.finished.has(key)) this.enqueueExcess();
    });
    this.nodes.onChange(({ type, key, object }) => {
      const waitMs = type === 'deleted' ? quarantineMs : 0;
      if (type !== 'deleted' && !isOutOfService(object)) return;
      for (const pod of this.pods.list()) if (pod.spec?.nodeName === key) this.queue.addAfter(objectKey(pod), waitMs);
    });
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.pods.get(key);
    if (!pod) return;
    if (isUnscheduledTerminating(pod) || this.isCutOff(pod)) return this.end(pod, undefined, signal);
    if (this.isOrphan(pod)) {
      if (await this.nodeExists(pod.spec!.nodeName!, signal)) return;
      return this.end(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }, signal);
    }
    if (planTerminated([...this.finished].flatMap((name) => this.pods.get(name) ?? [])).includes(pod)) {
      return this.end(pod, undefined, signal);
    }
  }

  private enqueueExcess(): void {
    if (this.finished.size <= maxTerminated) return;
    const excess = planTerminated([...this.finished].flatMap((key) => this.pods.get(key) ?? []));
    for (const pod of excess) this.queue.add(objectKey(pod));
  }

  private isOrphan({ spec }: Pod): boolean {
    return Boolean(spec?.nodeName) && this.nodes.get(spec!.nodeName!) === undefined;
  }

  /** Reads from the API: the copy may not show a node that has just registered again. */
  private async nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.deps.client.get(nodes, name, signal);
      return true;
    } catch (err) {
      if (isNotFound(err)) return false;
      throw err;
    }
  }

  /** The pod is being deleted, and its kubelet is cut off for good. */
  private isCutOff(pod: Pod): boolean {
    const node = isDeleting(pod) && pod.spec?.nodeName ? this.nodes.get(pod.spec.nodeName) : undefined;
    return node !== undefined && isOutOfService(node);
  }

  private async end(pod: Pod, disruption: Disruption | undefined, signal: AbortSignal): Promise<void> {
    await markFailed(this.deps.client, pod, disruption, this.deps.clock.now(), signal);
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metaOf(pod).uid }, signal };
    await this.deps.client.delete(pods, objectKey(pod), options).catch((err: unknown) => {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    });
  }
}
