// The metrics of the process and of what it stores, with the names of kube-apiserver and of the Prometheus clients.
import { readdirSync, readFileSync } from 'node:fs';
import { type Catalog, storedKinds } from '../api/catalog';
import { storageKind } from '../api/storage';
import type { Cache } from './cache/cache';
import type { HealthCheck } from './health';
import { versionInfo } from './version';

export interface ServerMetricsDeps {
  readonly catalog: Catalog;
  readonly cache: Cache;
  readonly checks: readonly HealthCheck[];
  readonly gauges: () => Readonly<Record<string, number>>;
}

export function renderServer({ catalog, cache, checks, gauges }: ServerMetricsDeps): readonly string[] {
  const values: Readonly<Record<string, number>> = { ...processValues(), ...gauges() };
  return [
    ...Object.entries(values).flatMap(([name, value]) => [
      `# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`,
      `${name} ${value}`,
    ]),
    ...storedObjects(catalog, cache),
    '# HELP kubernetes_build_info The version of the server.',
    '# TYPE kubernetes_build_info gauge',
    `kubernetes_build_info{${buildLabels}} 1`,
    '# HELP kubernetes_healthcheck 1 for a check that passes.',
    '# TYPE kubernetes_healthcheck gauge',
    ...checks.flatMap(({ name, at = ['healthz', 'livez', 'readyz'], failure }) => {
      const value = failure() === undefined ? 1 : 0;
      return at.map((type) => `kubernetes_healthcheck{name="${name}",type="${type}"} ${value}`);
    }),
  ];
}

const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionInfo;
const buildLabels = Object.entries({
  build_date: buildDate,
  compiler,
  git_commit: gitCommit,
  git_tree_state: gitTreeState,
  git_version: gitVersion,
  go_version: goVersion,
  major,
  minor,
  platform,
})
  .map(([name, value]) => `${name}="${value}"`)
  .join(',');

/** Each kind once, though several versions may show its objects. The first name is deprecated upstream, and what dashboards use. */
function storedObjects(catalog: Catalog, cache: Cache): readonly string[] {
  const kinds = new Map(storedKinds(catalog).map((kind) => [kind.prefix, kind]));
  const counts = [...kinds.values()].map((kind) => ({ ...storageKind(kind), count: cache.kind(kind).size }));
  return [
    '# HELP apiserver_storage_objects The number of stored objects.',
    '# TYPE apiserver_storage_objects gauge',
    ...counts.map(({ group, plural, count }) => {
      const resource = group === '' ? plural : `${plural}.${group}`;
      return `apiserver_storage_objects{resource="${resource}"} ${count}`;
    }),
    '# HELP apiserver_resource_objects The number of stored objects.',
    '# TYPE apiserver_resource_objects gauge',
    ...counts.map(
      ({ group, plural, count }) => `apiserver_resource_objects{group="${group}",resource="${plural}"} ${count}`,
    ),
  ];
}

function processValues(): Readonly<Record<string, number>> {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    process_resident_memory_bytes: rss,
    nodejs_heap_size_used_bytes: heapUsed,
    process_cpu_seconds_total: (user + system) / 1e6,
    process_start_time_seconds: Math.round(Date.now() / 1000 - process.uptime()),
    ...fromKernel(),
  };
}

/** What only the kernel knows; nothing where there is no /proc. */
function fromKernel(): Readonly<Record<string, number>> {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    // The name of the process, the second field, may contain blanks; the size of its memory is the 23rd field.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const virtual = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[20];
    return {
      process_open_fds: readdirSync('/proc/self/fd').length,
      process_max_fds: Number(limit ?? 0),
      process_virtual_memory_bytes: Number(virtual ?? 0),
    };
  } catch {
    return {};
  }
}
