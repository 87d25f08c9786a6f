// Columns of `kubectl get` that many kinds share, and Kubernetes' text form of ages, labels and containers.
import type { Column } from './kind';
import { selectorText } from './scale';
import type { KubeObject, LabelSelector } from './types';

export const none = '<none>';
const unknown = '<unknown>';

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata?.name ?? '',
};

export const ageColumn: Column<KubeObject> = {
  name: 'Age',
  type: 'string',
  description: 'The time since the object was created.',
  cell: (object, now) => ageOf(object.metadata?.creationTimestamp, now),
};

/** The time from `timestamp` (RFC 3339) to `now` (ms), as kubectl prints ages. */
export function ageOf(timestamp: string | undefined, now: number): string {
  return timestamp ? formatDuration(now - Date.parse(timestamp)) : unknown;
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** At most two units, the second only for short durations: 45s, 5m12s, 90m, 3h20m, 5d4h, 2y30d. */
export function formatDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * minute) return `${seconds}s`;
  if (seconds < 10 * minute) return pair(seconds, minute, 'm', 1, 's');
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return pair(seconds, hour, 'h', minute, 'm');
  if (seconds < 48 * hour) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return pair(seconds, day, 'd', hour, 'h');
  if (seconds < 2 * year) return `${Math.floor(seconds / day)}d`;
  if (seconds < 8 * year) return pair(seconds, year, 'y', day, 'd');
  return `${Math.floor(seconds / year)}y`;
}

function pair(seconds: number, unit: number, name: string, smaller: number, smallerName: string): string {
  const rest = Math.floor((seconds % unit) / smaller);
  return `${Math.floor(seconds / unit)}${name}${rest === 0 ? '' : `${rest}${smallerName}`}`;
}

export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const parts = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? none : parts.sort().join(',');
}

export function formatSelector(selector: LabelSelector | undefined): string {
  return selectorText(selector) || none;
}

interface WithContainers extends KubeObject {
  spec?: { template?: { spec?: { containers?: { name: string; image?: string }[] } } };
}
interface WithSelector extends KubeObject {
  spec?: { selector?: LabelSelector };
}

interface WithReplicas extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; readyReplicas?: number };
}

/** Of ReplicaSets and ReplicationControllers. */
export const replicaColumns: readonly Column<WithReplicas>[] = [
  {
    name: 'Desired',
    type: 'integer',
    description: 'The number of desired replicas.',
    cell: ({ spec }) => spec?.replicas ?? 0,
  },
  {
    name: 'Current',
    type: 'integer',
    description: 'The most recently observed number of replicas.',
    cell: ({ status }) => status?.replicas ?? 0,
  },
  {
    name: 'Ready',
    type: 'integer',
    description: 'The number of ready replicas.',
    cell: ({ status }) => status?.readyReplicas ?? 0,
  },
];

/** Containers and images of a workload, with -o wide. */
export const containerColumns: readonly Column<WithContainers>[] = [
  {
    name: 'Containers',
    type: 'string',
    priority: 1,
    description: 'Names of each container in the template.',
    cell: ({ spec }) => (spec?.template?.spec?.containers ?? []).map(({ name }) => name).join(','),
  },
  {
    name: 'Images',
    type: 'string',
    priority: 1,
    description: 'Images referenced by each container in the template.',
    cell: ({ spec }) => (spec?.template?.spec?.containers ?? []).map(({ image = '' }) => image).join(','),
  },
];

/** Containers, images and selector of a workload, with -o wide. */
export const workloadColumns: readonly Column<WithContainers & WithSelector>[] = [
  ...containerColumns,
  {
    name: 'Selector',
    type: 'string',
    priority: 1,
    description: 'A label query over the pods of the workload.',
    cell: ({ spec }) => formatSelector(spec?.selector),
  },
];
