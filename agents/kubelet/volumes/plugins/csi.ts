// CSI volumes that stand in the pod itself (KEP-596): a driver makes them for the pod, and they end with it.
import { inlineUse } from '../csi/use';
import type { VolumePlugin } from './plugin';

export const csi: VolumePlugin = (volume) => {
  const source = volume.csi;
  if (!source) return undefined;
  return {
    dir: 'csi',
    name: `${volume.name}/mount`,
    readOnly: source.readOnly ?? false,
    path: undefined,
    measured: 'driver',
    // The Secret is read when the volume is mounted: a change of it does not concern a mounted volume.
    references: { configMaps: [], secrets: [] },
    setUp: ({ pod, path, deps, signal }) => deps.csi.setUp(inlineUse(pod, volume.name, source, path), signal),
  };
};
