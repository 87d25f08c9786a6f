import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { container, pod } from '../spec/pod.fixture';
import { readEnvFiles } from './env-files';

t.test('files are read inside their volume only, in a bounded size', async (t) => {
  const dir = t.testdir({ config: { 'app.env': "COLOR='blue'" }, 'secret.env': "PASSWORD='x'" });
  const root = join(dir, 'config');
  await mkdir(join(root, 'folder'));
  await symlink('../secret.env', join(root, 'out.env'));
  await symlink('app.env', join(root, 'in.env'));
  await writeFile(join(root, 'large.env'), '');
  await truncate(join(root, 'large.env'), 2 ** 30);
  await new SystemExec().run(['mkfifo', join(root, 'fifo.env')]);
  const paths = ['app.env', 'in.env', 'out.env', 'large.env', 'fifo.env', 'folder', 'missing.env'];
  const env = paths.map((path, i) => ({
    name: `V${i}`,
    valueFrom: { fileKeyRef: { volumeName: 'config', path, key: 'COLOR' } },
  }));
  const file = await readEnvFiles(
    { volumes: { path: () => root } as never },
    pod({ volumes: [{ name: 'config', emptyDir: {} }] }),
    container('app', { env }),
  );
  const read = paths.filter((path) => file('config', path) !== undefined);
  t.strictSame(read, ['app.env', 'in.env']);
  t.equal(file('config', 'app.env'), "COLOR='blue'");
});
