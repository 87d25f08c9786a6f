import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { container, pod } from '../spec/pod.fixture';
import { seccompProfile } from './seccomp-profile';

t.test('Docker gets the text of a profile of the node', async (t) => {
  const rootDir = t.testdir({ seccomp: { 'audit.json': '{"defaultAction":"SCMP_ACT_LOG"}', wrong: 'no JSON' } });
  await mkdir(join(rootDir, 'seccomp/folder'));
  await writeFile(join(rootDir, 'secret'), '{}');
  const read = (profile: object | undefined, podProfile?: object, more = {}) =>
    seccompProfile(
      { node: { rootDir } as never },
      pod({ securityContext: { seccompProfile: podProfile } as never }),
      container('app', { securityContext: { ...more, ...(profile ? { seccompProfile: profile } : {}) } as never }),
    );
  const local = (localhostProfile: string) => ({ type: 'Localhost', localhostProfile });
  t.equal(await read(local('audit.json')), '{"defaultAction":"SCMP_ACT_LOG"}');
  t.equal(await read(undefined, local('audit.json')), '{"defaultAction":"SCMP_ACT_LOG"}', 'of the pod');
  t.equal(await read({ type: 'Unconfined' }, local('audit.json')), 'unconfined', 'the container decides');
  t.equal(await read({ type: 'RuntimeDefault' }), undefined);
  t.equal(await read(undefined), undefined);
  t.equal(await read(local('audit.json'), undefined, { privileged: true }), undefined);
  for (const name of ['missing.json', 'wrong', 'folder'])
    await t.rejects(read(local(name)), { message: /^cannot load seccomp profile / }, name);
  await t.rejects(read(local('../secret')), { code: 'BadRequest' });
});
