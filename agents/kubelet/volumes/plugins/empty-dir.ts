// emptyDir volumes: a folder that exists as long as the pod, on the disk or in memory.
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { unitValue } from '../../../../controlplane/api/quantity';
import { hugePageBytes, hugePages } from '../huge-pages';
import { definePlugin } from './plugin';

export const emptyDir = definePlugin('emptyDir', {
  dir: 'empty-dir',
  readOnly: false,
  measured: ({ medium }) => (medium ? 'file-system' : 'files'),
  setUp: async ({ medium, sizeLimit }, { pod, path, deps }) => {
    if (await isDirectory(path)) return undefined;
    const gid = pod.spec?.securityContext?.fsGroup;
    await mkdir(path, { recursive: true, mode: 0o777 });
    if (medium?.startsWith(hugePages)) {
      await deps.mounts.ensureHugePages(path, { mode: 0o777, pageBytes: hugePageBytes(medium, pod) });
    }
    if (medium === 'Memory') {
      // In the API zero means no limit of the pod. For the kernel zero would also remove its default limit, half the memory.
      const sizeBytes = sizeLimit ? unitValue(sizeLimit) : 0;
      await deps.mounts.ensureTmpfs(path, { mode: 0o777, ...(sizeBytes > 0 ? { sizeBytes } : {}) });
    }
    if (gid !== undefined) await chown(path, 0, gid);
    // Explicit, because the umask has cleared bits of mkdir's mode.
    await chmod(path, gid === undefined ? 0o777 : 0o2777);
    return undefined;
  },
});

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
