// PersistentVolumes of type hostPath: a path of the node itself. Nothing is mounted, and fsGroup does not apply, as upstream.
import { ensureHostPath } from '../plugins/host-path';
import { definePersistentPlugin } from './plugin';

export const hostPath = definePersistentPlugin({
  field: 'hostPath',
  dir: 'host-path',
  mountsAtName: false,
  mountOptions: false,
  pathOf: ({ source }) => source.path,
  setUp: async ({ source }, { path, deps }) => {
    await deps.ensureAnswers(path);
    await ensureHostPath(path, source.type);
  },
});
