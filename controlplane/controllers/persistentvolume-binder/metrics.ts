// How many volumes and claims there are, with the names and labels of upstream's PV controller.
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import { classOf } from '../../api/volumes/class-name';
import { Counter, renderGauge } from '../../base/metric';

/** Default classes that claims got later than at their creation. One record for the process, as for work queues. */
export const retroactiveClasses = new Counter({
  name: 'retroactive_storageclass_total',
  help: 'Claims that got a default class after their creation',
});
export const retroactiveClassErrors = new Counter({
  name: 'retroactive_storageclass_errors_total',
  help: 'Failed writes of a default class to a claim',
});
retroactiveClasses.add('', 0);
retroactiveClassErrors.add('', 0);

/** The plug-ins that upstream's controllers have; other sources are `N/A`. */
const plugins: Readonly<Record<string, string>> = {
  fc: 'kubernetes.io/fc',
  hostPath: 'kubernetes.io/host-path',
  iscsi: 'kubernetes.io/iscsi',
  nfs: 'kubernetes.io/nfs',
};

function pluginOf({ spec = {} }: PersistentVolume): string {
  if (spec.csi) return `kubernetes.io/csi:${spec.csi.driver}`;
  const source = Object.keys(plugins).find((field) => field in spec);
  return source === undefined ? 'N/A' : (plugins[source] ?? 'N/A');
}

/** The annotation of a class is text of a user. */
const label = (name: string, value: string | undefined): string =>
  `${name}="${(value ?? '').replace(/["\\\n]/g, '_')}"`;

function count<T>(objects: readonly T[], labelsOf: (object: T) => readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const object of objects) {
    const labels = labelsOf(object).join(',');
    counts.set(labels, (counts.get(labels) ?? 0) + 1);
  }
  return counts;
}

/** Lines of the Prometheus text format. */
export function renderVolumeMetrics(
  volumes: readonly PersistentVolume[],
  claims: readonly PersistentVolumeClaim[],
): readonly string[] {
  const isBound = ({ status }: PersistentVolume | PersistentVolumeClaim) => status?.phase === 'Bound';
  const ofVolume = ({ spec }: PersistentVolume) => [label('storage_class', spec?.storageClassName)];
  const ofClaim = (claim: PersistentVolumeClaim) => [
    label('namespace', claim.metadata?.namespace),
    label('storage_class', classOf(claim)),
    label('volume_attributes_class', claim.spec?.volumeAttributesClassName),
  ];
  const total = (volume: PersistentVolume) => [
    label('plugin_name', pluginOf(volume)),
    label('volume_mode', volume.spec?.volumeMode ?? 'Filesystem'),
  ];
  const gauge = (name: string, what: string, counts: ReadonlyMap<string, number>) =>
    renderGauge({ name: `pv_collector_${name}`, help: what }, counts);
  const [pv, pvc] = ['PersistentVolumes', 'PersistentVolumeClaims'];
  const not =
    <T>(test: (object: T) => boolean) =>
    (object: T): boolean =>
      !test(object);
  return [
    ...gauge('bound_pv_count', `${pv} that are bound`, count(volumes.filter(isBound), ofVolume)),
    ...gauge('unbound_pv_count', `${pv} that are not bound`, count(volumes.filter(not(isBound)), ofVolume)),
    ...gauge('bound_pvc_count', `${pvc} that are bound`, count(claims.filter(isBound), ofClaim)),
    ...gauge('unbound_pvc_count', `${pvc} that are not bound`, count(claims.filter(not(isBound)), ofClaim)),
    ...gauge('total_pv_count', 'PersistentVolumes, by plug-in and mode', count(volumes, total)),
    ...retroactiveClasses.render(),
    ...retroactiveClassErrors.render(),
  ];
}
