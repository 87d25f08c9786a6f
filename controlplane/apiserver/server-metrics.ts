// The metrics of the process and of what it stores, with the names of kube-apiserver and of the Prometheus clients.
import { apiServices } from '../api/api-service';
import { type Catalog, storedKinds } from '../api/catalog';
import { isConditionTrue } from '../api/conditions';
import { storageKind } from '../api/storage';
import { renderBuildInfo } from '../base/build-info';
import { renderCounter, renderGauge } from '../base/metric';
import { renderProcessValues } from '../base/process-values';
import { versionInfo } from '../base/version';
import type { Cache } from './cache/cache';

export interface ServerMetricsDeps {
  readonly catalog: Catalog;
  readonly cache: Cache;
  readonly gauges: () => Readonly<Record<string, number>>;
}

export function renderServer({ catalog, cache, gauges }: ServerMetricsDeps): readonly string[] {
  return [
    ...renderProcessValues(),
    ...Object.entries(gauges()).flatMap(([name, value]) => {
      const render = name.endsWith('_total') ? renderCounter : renderGauge;
      return render({ name, help: helpOf[name] ?? 'A value of this server.' }, [['', value]]);
    }),
    ...storedObjects(catalog, cache),
    ...renderBuildInfo(versionInfo),
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
  apiserver_storage_revision: 'The revision of the store.',
  apiserver_audit_event_total: 'Events that were written to the audit log.',
};

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
