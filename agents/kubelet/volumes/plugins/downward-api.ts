// downwardAPI volumes: fields of the pod as files. An annotation may contain a secret, so the files are in memory, as upstream.
import { filesPlugin } from './files-plugin';

export const downwardApi = filesPlugin('downwardAPI', {
  dir: 'downward-api',
  inMemory: true,
  asProjected: ({ items, defaultMode }) => ({ sources: [{ downwardAPI: { items } }], defaultMode }),
});
