// nfs volumes: an export of a server.
import { mountExport } from '../persistent/nfs';
import { definePlugin } from './plugin';

export const nfs = definePlugin('nfs', {
  dir: 'nfs',
  measured: 'file-system',
  readOnly: ({ readOnly }) => readOnly === true,
  setUp: async ({ server, path, readOnly }, task) => {
    await mountExport({ server, path }, readOnly ? ['ro'] : [], task);
    return undefined;
  },
});
