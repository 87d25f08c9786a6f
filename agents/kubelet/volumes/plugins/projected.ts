// projected volumes: several sources in one folder, and tokens of the pod's service account.
import { filesPlugin } from './files-plugin';

export const projected = filesPlugin('projected', {
  dir: 'projected',
  inMemory: true,
  asProjected: (source) => source,
});
