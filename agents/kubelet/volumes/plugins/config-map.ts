// configMap volumes: the keys of a ConfigMap as files.
import { filesPlugin } from './files-plugin';

export const configMap = filesPlugin('configMap', {
  dir: 'configmap',
  inMemory: false,
  asProjected: ({ defaultMode, ...source }) => ({ sources: [{ configMap: source }], defaultMode }),
});
