// Runs pods until enough of them have succeeded.
import { type Job, jobs } from '../../api/job';
import { type Pod, pods } from '../../api/pod';
import { selectorFromLabelSelector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { describeError, isInvalid, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { adopt, release } from '../shared/adopt';
import { planClaim } from '../shared/claim';
import type { Controller, Deps } from '../shared/deps';
import { byController, byNamespace, orphansOf } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { controllerOf, controllerReference, metaOf } from '../shared/owner';
import { isTerminal } from '../shared/pod';
import { slowStart } from '../shared/slow-start';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { planJob, type Step, trackingFinalizer } from './plan';

const workers = 5;

export class JobController implements Controller {
  private readonly jobs: TrackedInformer<Job>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<Pod>;
  private readonly events: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.jobs = deps.informers.of(jobs);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.pods);
    this.events = deps.recorder('job-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.jobs.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange(({ object }) => this.enqueueOwner(object));
    await Promise.all([this.jobs.synced(signal), this.pods.synced(signal)]);
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const job = this.jobs.get(key);
    await this.releaseStrays(key, job, signal);
    if (!job) {
      this.guard.forget(key);
      return;
    }
    if (!this.guard.isCurrent(key)) return;
    const selector = selectorFromLabelSelector(job.spec?.selector) ?? [];
    if (selector.length === 0) return;
    const orphans = this.pods.by(byController, orphansOf(job.metadata?.namespace));
    const candidates = [...this.pods.by(byController, metaOf(job).uid), ...orphans];
    const claim = planClaim(job, selector, candidates, (pod) => !isTerminal(pod));
    for (const pod of claim.release) {
      const answer = await release(this.deps.client, pods, pod, metaOf(job).uid, signal);
      if (answer) this.guard.wrote(key, answer);
    }
    for (const pod of claim.adopt) {
      const adopted = await adopt(this.deps.client, { object: pods, owner: jobs }, pod, job, signal);
      const finalizers = [...(adopted.metadata?.finalizers ?? []), trackingFinalizer];
      const tracked = await this.deps.client.patch(
        pods,
        objectKey(pod),
        'merge',
        { metadata: { finalizers } },
        { signal },
      );
      this.guard.wrote(key, tracked);
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

  /** Pods of a Job of this name that is gone: nobody will count them, so nothing must hold them. */
  private async releaseStrays(key: string, job: Job | undefined, signal: AbortSignal): Promise<void> {
    const namespace = key.slice(0, key.indexOf('/'));
    const name = key.slice(namespace.length + 1);
    for (const pod of this.pods.by(byNamespace, namespace)) {
      const owner = controllerOf(pod);
      if (owner?.kind !== jobs.kind || owner.name !== name || owner.uid === job?.metadata?.uid) continue;
      if ((pod.metadata?.finalizers ?? []).includes(trackingFinalizer)) await this.untrack(key, pod, signal);
    }
  }

  private async apply(key: string, job: Job, steps: readonly Step[], signal: AbortSignal): Promise<void> {
    const work = steps.map(async (step) => {
      switch (step.action) {
        case 'create':
          return this.create(key, job, step.count, signal);
        case 'delete':
          return this.delete(key, job, step.pod, signal);
        case 'release':
          return this.untrack(key, step.pod, signal);
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

  private async untrack(key: string, pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = metaOf(pod);
    const left = (pod.metadata?.finalizers ?? []).filter((name) => name !== trackingFinalizer);
    const patch = { metadata: { uid, resourceVersion, finalizers: left.length > 0 ? left : null } };
    try {
      this.guard.wrote(key, await this.deps.client.patch(pods, objectKey(pod), 'merge', patch, { signal }));
    } catch (err) {
      // Gone, or replaced by a namesake: done either way.
      if (!isNotFound(err) && !isInvalid(err)) throw err;
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

function renderPod(job: Job): Pod {
  const { metadata, spec } = job.spec?.template ?? {};
  return {
    metadata: {
      generateName: `${job.metadata?.name}-`,
      namespace: job.metadata?.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      finalizers: [...(metadata?.finalizers ?? []), trackingFinalizer],
      ownerReferences: [controllerReference(jobs, job)],
    },
    spec,
  };
}
