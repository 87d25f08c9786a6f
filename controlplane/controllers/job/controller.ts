// Runs pods until enough of them have succeeded.

import { type Job, jobs } from '../../api/job';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { matchesSelector, type Selector, selectorFromLabelSelector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { describeError, isInvalid, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { adopt, release } from '../shared/adopt';
import { planClaim } from '../shared/claim';
import type { Controller, Deps } from '../shared/deps';
import { byController, byNamespace, controlledBy, orphansOf } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { controllerOf, controllerReference, isDeleting, metaOf } from '../shared/owner';
import { slowStart } from '../shared/slow-start';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { planJob, type Step, trackingFinalizer } from './plan';

const workers = 5;

export class JobController implements Controller {
  private readonly jobs: TrackedInformer<Job>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  /** Keys of pods that a Job's finalizer holds and that may have no Job. */
  private readonly strays: WorkQueue;
  private readonly guard: WriteGuard<Pod>;
  private readonly events: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.jobs = deps.informers.of(jobs);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.strays = controllerQueue(deps);
    this.guard = new WriteGuard(this.pods);
    this.events = deps.recorder('job-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.jobs.onChange(({ type, key, object }) => {
      this.queue.add(key);
      if (type !== 'deleted' && !isDeleting(object)) return;
      for (const pod of this.pods.by(byController, controlledBy(object))) this.noteStray(pod);
    });
    this.pods.onChange((change) => {
      this.enqueueOwner(change.object);
      if (change.type === 'updated') this.enqueueOwner(change.previous);
      if (change.type !== 'deleted') this.noteStray(change.object);
    });
    await Promise.all([this.jobs.synced(signal), this.pods.synced(signal)]);
    await Promise.all([
      runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal),
      runWorkers({ queue: this.strays, reconcile: (key) => this.reconcileStray(key, signal) }, signal),
    ]);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const job = this.jobs.get(key);
    if (!job) {
      this.guard.forget(key);
      return;
    }
    if (!this.guard.isCurrent(key)) return;
    const selector = selectorOf(job);
    if (selector.length === 0) return;
    const orphans = this.pods.by(byController, orphansOf(job.metadata?.namespace));
    const candidates = [...this.pods.by(byController, controlledBy(job)), ...orphans];
    const claim = planClaim(job, selector, candidates, (pod) => !isTerminal(pod));
    for (const pod of claim.release) {
      const answer = await release(this.deps.client, pods, pod, metaOf(job).uid, signal, trackingFinalizer);
      if (answer) this.guard.wrote(key, answer);
    }
    const kinds = { object: pods, owner: jobs };
    for (const pod of claim.adopt) {
      this.guard.wrote(key, await adopt(this.deps.client, kinds, pod, job, signal, trackingFinalizer));
    }
    // The events of these writes lead to the next pass.
    if (claim.adopt.length + claim.release.length > 0) return;
    const plan = planJob(job, claim.owned, this.deps.clock.now());
    if (plan.status) {
      await this.deps.client.update(jobs, { ...job, status: plan.status }, { subresource: 'status', signal });
    }
    for (const { type, reason, message } of plan.reports) this.events.record(job, type, reason, message);
    if (plan.againInMs !== undefined) this.queue.addAfter(key, plan.againInMs);
    await this.apply(key, job, plan.steps, signal);
  }

  private enqueueOwner(pod: Pod): void {
    const owner = controllerOf(pod);
    const namespace = pod.metadata?.namespace ?? '';
    if (owner?.kind === jobs.kind) this.queue.add(`${namespace}/${owner.name}`);
    else if (!owner) for (const job of this.jobs.by(byNamespace, namespace)) this.queue.add(objectKey(job));
  }

  private noteStray(pod: Pod): void {
    if (this.mayBeStray(pod)) this.strays.add(objectKey(pod));
  }

  /** A pod that the finalizer holds while the copies show no Job that would count it. */
  private mayBeStray(pod: Pod): boolean {
    if (!(pod.metadata?.finalizers ?? []).includes(trackingFinalizer)) return false;
    const owner = controllerOf(pod);
    if (owner?.kind !== jobs.kind) return true;
    const job = this.jobs.get(`${pod.metadata?.namespace}/${owner.name}`);
    if (job?.metadata?.uid !== owner.uid) return true;
    // A Job that is being deleted releases no pods, so it never counts one that its selector does not match.
    return isDeleting(job) && !matchesSelector(selectorOf(job), pod.metadata?.labels);
  }

  /** No Job will count the pod, so nothing must hold it. */
  private async reconcileStray(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.pods.get(key);
    if (!pod || !this.mayBeStray(pod)) return;
    const owner = controllerOf(pod);
    const jobKey = `${pod.metadata?.namespace}/${owner?.name}`;
    if (owner?.kind === jobs.kind && !this.jobs.get(jobKey)) {
      // The copy of the Jobs may be behind that of the pods.
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
          return this.create(key, job, step.count, signal);
        case 'delete':
          return this.delete(key, job, step.pod, signal);
        case 'release':
          return this.release(key, step.pod, signal);
        case 'expire':
          return this.expire(key, job, signal);
      }
    });
    const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async create(key: string, job: Job, count: number, signal: AbortSignal): Promise<void> {
    const pod = renderPod(job);
    const { error } = await slowStart(count, async () => {
      const created = await this.deps.client.create(pods, pod, { signal });
      this.guard.wrote(key, created);
      this.events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    if (error === undefined || refusedByTermination(error)) return;
    this.events.record(job, 'Warning', 'FailedCreate', `Error creating: ${describeError(error)}`);
    throw error;
  }

  private async delete(key: string, job: Job, pod: Pod, signal: AbortSignal): Promise<void> {
    const { name, uid } = metaOf(pod);
    try {
      await this.deps.client.delete(pods, objectKey(pod), { preconditions: { uid }, signal });
      this.events.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    this.guard.deleted(key, objectKey(pod), uid);
  }

  private async release(key: string, pod: Pod, signal: AbortSignal): Promise<void> {
    const answer = await this.untrack(pod, signal);
    if (answer) this.guard.wrote(key, answer);
  }

  /** Undefined when the pod is gone, or replaced by a namesake: done either way. */
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
    const options = { propagationPolicy: 'Background', preconditions: { uid, resourceVersion }, signal } as const;
    await this.deps.client.delete(jobs, key, options).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }
}

const selectorOf = ({ spec }: Job): Selector => selectorFromLabelSelector(spec?.selector) ?? [];

function renderPod(job: Job): Pod {
  const { metadata, spec } = job.spec?.template ?? {};
  return {
    metadata: {
      generateName: `${job.metadata?.name}-`,
      namespace: job.metadata?.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      finalizers: [...new Set([...(metadata?.finalizers ?? []), trackingFinalizer])],
      ownerReferences: [controllerReference(jobs, job)],
    },
    spec,
  };
}
