// PersistentVolumes of CSI drivers: see ../csi.
import { persistentUse } from '../csi/use';
import { definePersistentPlugin } from './plugin';

export const csi = definePersistentPlugin({
  field: 'csi',
  dir: 'csi',
  below: 'mount',
  mountsAtName: false,
  measured: 'driver',
  mountOptions: true,
  setUp: ({ volume, claim, readOnly }, { pod, path, deps, signal }) =>
    deps.csi.setUp(persistentUse({ pod, volume, claim, path, readOnly }), signal),
  release: ({ podUid, name, path, deps }) => deps.csi.release(podUid, name, path),
});
