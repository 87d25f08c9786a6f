// The metrics of the process and of what it stores, with the names of kube-apiserver and of the Prometheus clients.
import { readdirSync, readFileSync } from 'node:fs';
import { apiServices } from '../api/api-service';
import { type Catalog, storedKinds } from '../api/catalog';
import { isConditionTrue } from '../api/conditions';
import { storageKind } from '../api/storage';
import { renderCounter, renderGauge } from '../base/metric';
import type { Cache } from './cache/cache';
import { versionInfo } from './version';

export interface ServerMetricsDeps {
  readonly catalog: Catalog;
  readonly cache: Cache;
  readonly gauges: () => Readonly<Record<string, number>>;
}

export function renderServer({ catalog, cache, gauges }: ServerMetricsDeps): readonly string[] {
  const values: Readonly<Record<string, number>> = { ...processValues(), ...gauges() };
  return [
    ...Object.entries(values).flatMap(([name, value]) => {
      const render = name.endsWith('_total') ? renderCounter : renderGauge;
      return render({ name, help: helpOf[name] ?? 'A value of this server.' }, [['', value]]);
    }),
    ...storedObjects(catalog, cache),
    ...renderGauge(
      {
        name: 'kubernetes_build_info',
        help:
          "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, " +
          'Go version, and compiler from which Kubernetes was built, and platform on which it is running.',
      },
      [[buildLabels, 1]],
    ),
  ];
}

/** Whether this server can use each APIService. Alerts on aggregated servers read this. */
export function renderAvailability(cache: Cache): readonly string[] {
  const all = cache.kind(apiServices).current({});
  return renderGauge(
    {
      name: 'aggregator_unavailable_apiservice',
      help: '[ALPHA] Gauge of APIServices which are marked as unavailable broken down by APIService name.',
    },
    all.map(({ key, object }) => [`name="${key}"`, isConditionTrue(object, 'Available') ? 0 : 1] as const),
  );
}

/** Upstream's texts; of its Prometheus client. */
const helpOf: Readonly<Record<string, string>> = {
  process_resident_memory_bytes: 'Resident memory size in bytes.',
  process_cpu_seconds_total: 'Total user and system CPU time spent in seconds.',
  process_start_time_seconds: 'Start time of the process since unix epoch in seconds.',
  process_open_fds: 'Number of open file descriptors.',
  process_max_fds: 'Maximum number of open file descriptors.',
  process_virtual_memory_bytes: 'Virtual memory size in bytes.',
  nodejs_heap_size_used_bytes: 'Used heap of Node.js in bytes.',
  apiserver_storage_revision: 'The revision of the store.',
  apiserver_audit_event_total: '[ALPHA] Counter of audit events generated and sent to the audit backend.',
};

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
  const checked =
    'Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.';
  return [
    ...renderGauge(
      {
        name: 'apiserver_storage_objects',
        help: `[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects instead] ${checked}`,
      },
      counts.map(({ group, plural, count }) => {
        const resource = group === '' ? plural : `${plural}.${group}`;
        return [`resource="${resource}"`, count] as const;
      }),
    ),
    ...renderGauge(
      { name: 'apiserver_resource_objects', help: `[ALPHA] ${checked}` },
      counts.map(({ group, plural, count }) => [`group="${group}",resource="${plural}"`, count] as const),
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
