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
import { markDisrupted, markFailed } from '../shared/disruption';
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
      if (isUnscheduledTerminating(object) || this.isStranded(object)) this.queue.add(key);
      if (this.isOrphan(object)) this.queue.addAfter(key, quarantineMs);
      if (this.finished.has(key)) this.enqueueExcess();
    });
    this.nodes.onChange(({ type, key, object }) => {
      const lost = type === 'deleted';
      if (!lost && !isOutOfService(object)) return;
      for (const pod of this.pods.list()) {
        if (pod.spec?.nodeName !== key) continue;
        if (lost) this.queue.addAfter(objectKey(pod), quarantineMs);
        else if (isDeleting(pod)) this.queue.add(objectKey(pod));
      }
    });
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.pods.get(key);
    if (!pod) return;
    if (isUnscheduledTerminating(pod) || this.isStranded(pod)) {
      await markFailed(this.deps.client, pod, signal);
      return this.forceDelete(pod, signal);
    }
    if (this.isOrphan(pod)) {
      if (await this.nodeExists(pod.spec!.nodeName!, signal)) return;
      await markDisrupted(
        this.deps.client,
        pod,
        'DeletionByPodGC',
        'PodGC: node no longer exists',
        this.deps.clock.now(),
        signal,
      );
      return this.forceDelete(pod, signal);
    }
    if (planTerminated([...this.finished].flatMap((name) => this.pods.get(name) ?? [])).includes(pod)) {
      return this.forceDelete(pod, signal);
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

  /** A deleted pod whose node is switched off. */
  private isStranded(pod: Pod): boolean {
    const node = this.nodes.get(pod.spec?.nodeName ?? '');
    return isDeleting(pod) && node !== undefined && isOutOfService(node);
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

  private async forceDelete(pod: Pod, signal: AbortSignal): Promise<void> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metaOf(pod).uid }, signal };
    await this.deps.client.delete(pods, objectKey(pod), options).catch((err: unknown) => {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    });
  }
}
