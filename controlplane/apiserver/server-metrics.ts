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
        help: 'The version of the server, in its labels; the value is always 1.',
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
      help: '1 for an APIService that the server cannot use.',
    },
    all.map(({ key, object }) => [`name="${key}"`, isConditionTrue(object, 'Available') ? 0 : 1] as const),
  );
}

const helpOf: Readonly<Record<string, string>> = {
  process_resident_memory_bytes: 'Bytes of memory that the process holds.',
  process_cpu_seconds_total: 'Seconds of CPU time.',
  process_start_time_seconds: 'When the process began, in seconds since 1970.',
  process_open_fds: 'Open file descriptors.',
  process_max_fds: 'The most file descriptors that may be open.',
  process_virtual_memory_bytes: 'Bytes of addresses in use.',
  nodejs_heap_size_used_bytes: 'Used heap of Node.js in bytes.',
  apiserver_storage_revision: 'The revision of the store.',
  apiserver_audit_event_total: 'Events that were written to the audit log.',
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
  const help = 'The number of stored objects.';
  return [
    ...renderGauge(
      {
        name: 'apiserver_storage_objects',
        help,
      },
      counts.map(({ group, plural, count }) => {
        const resource = group === '' ? plural : `${plural}.${group}`;
        return [`resource="${resource}"`, count] as const;
      }),
    ),
    ...renderGauge(
      { name: 'apiserver_resource_objects', help },
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
