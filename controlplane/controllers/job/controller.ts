// Runs pods until enough of them have succeeded.

import { type Job, jobs } from '../../api/job';
import { jobControllerName } from '../../api/jobs/names';
import { type Namespace, namespaces } from '../../api/namespace';
import { type Pod, pods } from '../../api/pod';
import { matchesSelector, type Selector, selectorFromLabelSelector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { isInvalid, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byController, byNamespace, controlledBy } from '../shared/informers';
import { controllerOf, isDeleting, metaOf } from '../shared/owner';
import { PodOwner } from '../shared/pod-owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { planExpiry, planJob, type Step } from './plan';
import type { Place } from './plan-pods';
import { isTracked, trackingFinalizer } from './pod-state';
import { renderPod } from './render-pod';

const workers = 5;
/** As upstream: a pod that cannot be created, for a quota perhaps, is tried again after a second, not at once. */
const backoff = { initialMs: 1000, maxMs: 60_000 };

export class JobController implements Controller {
  private readonly podOwner: PodOwner<Job>;
  private readonly namespaces: TrackedInformer<Namespace>;
  /** Keys of pods that have a Job's finalizer but maybe no Job. */
  private readonly strays: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.podOwner = new PodOwner(deps, {
      kind: jobs,
      component: 'job-controller',
      finalizer: trackingFinalizer,
      backoff,
    });
    this.namespaces = deps.informers.of(namespaces);
    this.strays = controllerQueue(deps, backoff);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { workloads, pods, queue } = this.podOwner;
    this.podOwner.follow();
    workloads.onChange(({ type, object }) => {
      if (type !== 'deleted' && !isDeleting(object)) return;
      for (const pod of pods.by(byController, controlledBy(object))) this.noteStray(pod);
    });
    pods.onChange((change) => {
      if (change.type !== 'deleted') this.noteStray(change.object);
    });
    this.namespaces.onChange(({ key, object }) => {
      if (!isDeleting(object)) return;
      for (const job of workloads.by(byNamespace, key)) queue.add(objectKey(job));
    });
    await Promise.all([workloads.synced(signal), pods.synced(signal), this.namespaces.synced(signal)]);
    await Promise.all([
      runWorkers({ queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal),
      runWorkers({ queue: this.strays, reconcile: (key) => this.reconcileStray(key, signal) }, signal),
    ]);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const job = this.podOwner.workloads.get(key);
    if (!job) {
      this.podOwner.guard.forget(key);
      return;
    }
    if (!this.podOwner.guard.isCurrent(key)) return;
    if (isManagedElsewhere(job)) {
      const { steps, againInMs } = planExpiry(job, this.deps.clock.now());
      if (againInMs !== undefined) this.podOwner.queue.addAfter(key, againInMs);
      return this.apply(key, job, steps, signal);
    }
    const selector = selectorOf(job);
    if (selector.length === 0) return;
    const owned = await this.podOwner.claim(key, job, selector, signal);
    if (owned === undefined) return;
    const plan = planJob(this.asEnding(job), owned, this.deps.clock.now());
    if (plan.status) {
      await this.deps.client.update(jobs, { ...job, status: plan.status }, { subresource: 'status', signal });
    }
    for (const { type, reason, message } of plan.reports) this.podOwner.events.record(job, type, reason, message);
    if (plan.againInMs !== undefined) this.podOwner.queue.addAfter(key, plan.againInMs);
    await this.apply(key, job, plan.steps, signal);
  }

  /**
   * A namespace that is being deleted takes no new pod, and its pods go before its Jobs (KEP-5080). So a Job in it replaces no pod, as one
   * that is being deleted itself: a failed pod that waited for its replacement would keep the finalizer, and the namespace, for ever.
   */
  private asEnding(job: Job): Job {
    const deletionTimestamp = this.namespaces.get(job.metadata?.namespace ?? '')?.metadata?.deletionTimestamp;
    return deletionTimestamp === undefined || isDeleting(job)
      ? job
      : { ...job, metadata: { ...job.metadata, deletionTimestamp } };
  }

  private noteStray(pod: Pod): void {
    if (this.mayBeStray(pod)) this.strays.add(objectKey(pod));
  }

  /** A pod with the finalizer, while the copies show no Job that would count it. */
  private mayBeStray(pod: Pod): boolean {
    if (!isTracked(pod)) return false;
    const owner = controllerOf(pod);
    if (owner?.kind !== jobs.kind) return true;
    const job = this.podOwner.workloads.get(`${pod.metadata?.namespace}/${owner.name}`);
    if (job?.metadata?.uid !== owner.uid) return true;
    if (isManagedElsewhere(job)) return false;
    // A Job that is being deleted releases no pods, so it never counts a pod that its selector does not match.
    return isDeleting(job) && !matchesSelector(selectorOf(job), pod.metadata?.labels);
  }

  /** Removes the finalizer of a pod that no Job will count. */
  private async reconcileStray(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.podOwner.pods.get(key);
    if (!pod || !this.mayBeStray(pod)) return;
    const owner = controllerOf(pod);
    const jobKey = `${pod.metadata?.namespace}/${owner?.name}`;
    if (owner?.kind === jobs.kind && !this.podOwner.workloads.get(jobKey)) {
      // The copy of the Jobs may be older than the copy of the pods.
      const live = await this.deps.client.get(jobs, jobKey, signal).catch((err: unknown) => {
        if (isNotFound(err)) return undefined;
        throw err;
      });
      if (live?.metadata?.uid === owner.uid) return;
    }
    await this.untrack(pod, signal);
  }

  private async apply(key: string, job: Job, steps: readonly Step[], signal: AbortSignal): Promise<void> {
    const work = steps.map(async (step) => {
      switch (step.action) {
        case 'create':
          return this.create(key, job, step.count, step.places, signal);
        case 'drop':
          return this.drop(key, job, step.pod, signal);
        case 'release':
          return this.release(key, step.pod, signal);
        case 'expire':
          return this.expire(key, job, signal);
      }
    });
    const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async create(
    key: string,
    job: Job,
    count: number,
    places: readonly Place[] | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let next = 0;
    const error = await this.podOwner.create(key, job, count, () => renderPod(job, places?.[next++]), signal);
    if (error !== undefined) throw error;
  }

  /** In this order: a pod without the finalizer counts no more, whatever becomes of it. */
  private async drop(key: string, job: Job, pod: Pod, signal: AbortSignal): Promise<void> {
    if (isTracked(pod)) await this.release(key, pod, signal);
    await this.podOwner.delete(key, job, pod, signal);
  }

  private async release(key: string, pod: Pod, signal: AbortSignal): Promise<void> {
    const answer = await this.untrack(pod, signal);
    if (answer) this.podOwner.guard.wrote(key, answer);
  }

  /** Undefined when the pod is deleted, or another pod has its name: nothing is left to do. */
  private async untrack(pod: Pod, signal: AbortSignal): Promise<Pod | undefined> {
    const { uid, resourceVersion } = metaOf(pod);
    const left = (pod.metadata?.finalizers ?? []).filter((name) => name !== trackingFinalizer);
    const patch = { metadata: { uid, resourceVersion, finalizers: left.length > 0 ? left : null } };
    try {
      return await this.deps.client.patch(pods, objectKey(pod), 'merge', patch, { signal });
    } catch (err) {
      if (isNotFound(err) || isInvalid(err)) return undefined;
      throw err;
    }
  }

  private async expire(key: string, job: Job, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = metaOf(job);
    // In the foreground, as upstream: the Job is there for as long as one of its pods.
    const options = { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion }, signal } as const;
    await this.deps.client.delete(jobs, key, options).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }
}

/** Another controller acts on such a Job and its pods (KEP-4368). */
const isManagedElsewhere = ({ spec }: Job): boolean =>
  spec?.managedBy !== undefined && spec.managedBy !== jobControllerName;

const selectorOf = ({ spec }: Job): Selector => selectorFromLabelSelector(spec?.selector) ?? [];
