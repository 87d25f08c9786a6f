import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
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
  t.equal(file('config', 'app.env')?.values.get('COLOR'), 'blue');
});

t.test('the files of one container are read up to a total size, and each once', async (t) => {
  const root = t.testdir({ '0.env': `${`# ${'x'.repeat(1021)}\n`.repeat(300)}COLOR='blue'\nSIZE='m'` });
  for (let i = 1; i < 100; i++) await link(join(root, '0.env'), join(root, `${i}.env`));
  const paths = Array.from({ length: 100 }, (_, i) => `${i}.env`);
  const env = paths.flatMap((path) =>
    ['COLOR', 'SIZE'].map((key) => ({ name: 'V', valueFrom: { fileKeyRef: { volumeName: 'config', path, key } } })),
  );
  const file = await readEnvFiles(
    { volumes: { path: () => root } as never },
    pod({ volumes: [{ name: 'config', emptyDir: {} }] }),
    container('app', { env }),
  );
  // 300 KiB each.
  t.strictSame(
    paths.filter((path) => file('config', path)),
    ['0.env', '1.env', '2.env'],
  );
  t.strictSame([...file('config', '2.env')!.values.values()], ['blue', 'm']);
});
