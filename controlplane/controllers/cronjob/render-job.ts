// The Job that a CronJob creates for a time of its schedule.
import { type CronJob, cronJobs } from '../../api/cron-job';
import type { Job, JobSpec } from '../../api/job';
import { timeZone, utc } from '../../base/cron/time-zone';
import { controllerReference } from '../shared/owner';
import { jobName } from './plan';

const timestampAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export function renderJob(cronJob: CronJob, time: number): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  return {
    metadata: {
      name: jobName(cronJob, time),
      namespace: cronJob.metadata?.namespace,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata?.annotations, [timestampAnnotation]: localTime(time, cronJob.spec?.timeZone) },
      ownerReferences: [controllerReference(cronJobs, cronJob)],
    },
    spec: structuredClone(spec) as JobSpec,
  };
}

/** RFC 3339 with the offset of the time zone: 2026-07-01T08:30:00+02:00. */
function localTime(time: number, zone: string | undefined): string {
  const offset = ((zone === undefined ? undefined : timeZone(zone)) ?? utc)(time);
  const wall = new Date(time + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const minutes = Math.floor(Math.abs(offset) / 60_000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
