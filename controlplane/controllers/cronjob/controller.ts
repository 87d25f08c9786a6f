// Creates Jobs at the times of the schedules of CronJobs, and deletes the oldest finished ones.
import { type CronJob, cronJobs } from '../../api/cron-job';
import { type Job, jobs } from '../../api/job';
import { objectKey } from '../../api/types';
import { formatTime } from '../../base/clock';
import { describeError, isAlreadyExists, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byController, controlledBy } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { controllerOf, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { firstInMs, hasNewTimes, planCronJob } from './plan';
import { renderJob } from './render-job';

const workers = 5;
type Status = NonNullable<CronJob['status']>;

export class CronJobController implements Controller {
  private readonly cronJobs: TrackedInformer<CronJob>;
  private readonly jobs: TrackedInformer<Job>;
  private readonly queue: WorkQueue;
  /** Of the Jobs, and of the CronJob's own status: an old status would start a Job twice. */
  private readonly guards: readonly [WriteGuard<Job>, WriteGuard<CronJob>];
  private readonly events: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.cronJobs = deps.informers.of(cronJobs);
    this.jobs = deps.informers.of(jobs);
    this.queue = controllerQueue(deps);
    this.guards = [new WriteGuard(this.jobs), new WriteGuard(this.cronJobs)];
    this.events = deps.recorder('cronjob-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.cronJobs.onChange((change) => {
      const { key, object } = change;
      // A new schedule begins with its next time: a time that has passed before the change is no missed one.
      if (change.type === 'updated' && hasNewTimes(change.previous, object)) {
        this.queue.addAfter(key, firstInMs(object, this.deps.clock.now()));
      } else this.queue.add(key);
    });
    this.jobs.onChange((change) => {
      this.enqueueOwner(change.object);
      if (change.type === 'updated') this.enqueueOwner(change.previous);
    });
    await Promise.all([this.cronJobs.synced(signal), this.jobs.synced(signal)]);
    const reconcile = (key: string) => this.reconcile(key, signal);
    await runWorkers({ queue: this.queue, workers, reconcile }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const cronJob = this.cronJobs.get(key);
    if (!cronJob) {
      for (const guard of this.guards) guard.forget(key);
      return;
    }
    // The event that brings the copies up to date adds the key again.
    if (!this.guards.every((guard) => guard.isCurrent(key))) return;
    const owned = this.jobs.by(byController, controlledBy(cronJob));
    const unseen = await this.findUnseen(cronJob, owned, signal);
    const plan = planCronJob(cronJob, owned, this.deps.clock.now(), unseen);
    for (const { type, reason, message } of plan.reports) this.events.record(cronJob, type, reason, message);
    for (const job of plan.remove) await this.remove(key, cronJob, job, signal);
    const started = plan.start === undefined ? undefined : await this.start(key, cronJob, plan.start, signal);
    const status = withoutJobs(plan.status ?? cronJob.status ?? {}, plan.remove, started);
    if (plan.status || started || status.active?.length !== cronJob.status?.active?.length) {
      await this.writeStatus(key, cronJob, status, signal);
    }
    if (plan.againInMs !== undefined) this.queue.addAfter(key, plan.againInMs);
  }

  /** Active Jobs that the copy lacks, but the API has: the copy of the Jobs may be older than that of the CronJobs. */
  private async findUnseen(cronJob: CronJob, owned: readonly Job[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const seen = new Set(owned.map(({ metadata }) => metadata?.uid));
    const found = new Set<string>();
    for (const { name, uid = '' } of cronJob.status?.active ?? []) {
      if (seen.has(uid)) continue;
      try {
        const job = await this.deps.client.get(jobs, `${cronJob.metadata?.namespace}/${name}`, signal);
        if (job.metadata?.uid === uid) found.add(uid);
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
    return found;
  }

  private enqueueOwner(job: Job): void {
    const owner = controllerOf(job);
    if (owner?.kind === cronJobs.kind) this.queue.add(`${job.metadata?.namespace}/${owner.name}`);
  }

  /** The Job for this time; undefined when another owner has a Job of this name, or when the namespace is being deleted. */
  private async start(key: string, cronJob: CronJob, time: number, signal: AbortSignal): Promise<Started | undefined> {
    const desired = renderJob(cronJob, time);
    try {
      const job = await this.deps.client.create(jobs, desired, { signal });
      this.guards[0].wrote(key, job);
      this.events.record(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata?.name}`);
      return { job, time };
    } catch (err) {
      if (refusedByTermination(err)) return undefined;
      if (!isAlreadyExists(err)) {
        this.events.record(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${describeError(err)}`);
        throw err;
      }
    }
    // An earlier pass created it, but its status was not written.
    const job = await this.deps.client.get(jobs, objectKey(desired), signal);
    return controllerOf(job)?.uid === cronJob.metadata?.uid ? { job, time } : undefined;
  }

  private async remove(key: string, cronJob: CronJob, job: Job, signal: AbortSignal): Promise<void> {
    const { name, uid } = metaOf(job);
    const options = { propagationPolicy: 'Background', preconditions: { uid }, signal } as const;
    try {
      await this.deps.client.delete(jobs, objectKey(job), options);
      this.events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (err) {
      if (!isNotFound(err)) {
        this.events.record(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${describeError(err)}`);
        throw err;
      }
    }
    this.guards[0].deleted(key, objectKey(job), uid);
  }

  private async writeStatus(key: string, cronJob: CronJob, status: Status, signal: AbortSignal): Promise<void> {
    const options = { subresource: 'status', signal } as const;
    this.guards[1].wrote(key, await this.deps.client.update(cronJobs, { ...cronJob, status }, options));
  }
}

interface Started {
  readonly job: Job;
  readonly time: number;
}

/** `status` without the removed Jobs, with the one that was started. */
function withoutJobs(status: Status, removed: readonly Job[], started: Started | undefined): Status {
  const uids = new Set(removed.map(({ metadata }) => metadata?.uid));
  const { active: before = [], ...rest } = status;
  const active = before.filter(({ uid }) => !uids.has(uid ?? ''));
  if (started && !active.some(({ uid }) => uid === started.job.metadata?.uid)) {
    const { namespace, name, uid, resourceVersion } = metaOf(started.job);
    active.push({ kind: jobs.kind, apiVersion: jobs.apiVersion, namespace, name, uid, resourceVersion });
  }
  return {
    ...rest,
    ...(active.length > 0 ? { active } : {}),
    ...(started ? { lastScheduleTime: formatTime(started.time) } : {}),
  };
}
