// kubelet_volume_stats_*: what the volumes of claims use, by upstream's names. Rules of Prometheus warn before a volume is full. Pure.
import type { Metric } from './exposition';
import type { VolumeUse } from './node-sample';

export function volumeMetrics(volumes: readonly VolumeUse[]): Readonly<Record<string, Metric>> {
  // Several pods may use one claim: one series.
  const byClaim = new Map<string, VolumeUse>();
  for (const volume of volumes) if (volume.claim) byClaim.set(`${volume.claim.namespace}/${volume.claim.name}`, volume);
  const gauge = (help: string, value: (volume: VolumeUse) => number | undefined): Metric => ({
    type: 'gauge',
    help: `[ALPHA] ${help}`,
    samples: [...byClaim.values()].flatMap((volume) => {
      const found = value(volume);
      const { namespace = '', name = '' } = volume.claim ?? {};
      return found === undefined ? [] : [{ labels: { namespace, persistentvolumeclaim: name }, value: found }];
    }),
  });
  return {
    kubelet_volume_stats_available_bytes: gauge('Bytes that the volume has left', ({ size }) => size?.availableBytes),
    kubelet_volume_stats_capacity_bytes: gauge('Size of the volume in bytes', ({ size }) => size?.capacityBytes),
    kubelet_volume_stats_inodes: gauge('Inodes of the volume, used or not', ({ size }) => size?.inodes),
    kubelet_volume_stats_inodes_free: gauge('Inodes that the volume has left', ({ size }) => size?.inodesFree),
    kubelet_volume_stats_inodes_used: gauge('Inodes that files in the volume use', ({ used }) => used.inodes),
    kubelet_volume_stats_used_bytes: gauge('Bytes that files in the volume use', ({ used }) => used.bytes),
  };
}
