// secret volumes: the keys of a Secret as files.
import { filesPlugin } from './files-plugin';

export const secret = filesPlugin('secret', {
  dir: 'secret',
  inMemory: true,
  asProjected: ({ secretName: name, items, optional, defaultMode }) => ({
    sources: [{ secret: { name, items, optional } }],
    defaultMode,
  }),
});
