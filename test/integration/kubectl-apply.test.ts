// From client-side to server-side apply with the real kubectl: kubectl takes over only the fields that it set itself.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { skippedWithoutKubectl } from '../lib/kubectl';

t.setTimeout(240_000);
const exec = new SystemExec();

t.test('kubectl apply --server-side after kubectl apply', async (t) => {
  if (await skippedWithoutKubectl(t, 28)) return;
  const { url, authority } = await openControlPlane(t, {});
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  const read = async (...what: string[]) => JSON.parse(await kubectl('get', ...what, '-o', 'json'));
  const file = join(dir, 'manifest.json');
  const write = (object: object) => writeFile(file, JSON.stringify(object));
  const map = (data: object) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'shared', namespace: 'default' },
    data,
  });

  await write(map({ a: '1', old: 'x' }));
  await kubectl('apply', '-f', file);
  await kubectl('label', 'configmap', 'shared', 'by=other');
  await kubectl('annotate', 'configmap', 'shared', 'note=kept');
  await kubectl('patch', 'configmap', 'shared', '-p', '{"data":{"b":"2"},"metadata":{"finalizers":["example.com/f"]}}');
  await write(map({ a: '3' }));
  await kubectl('apply', '--server-side', '-f', file);
  const kept = {
    data: { a: '3', b: '2' },
    metadata: { labels: { by: 'other' }, annotations: { note: 'kept' }, finalizers: ['example.com/f'] },
  };
  t.match(await read('configmap', 'shared'), kept);
  await kubectl('apply', '--server-side', '-f', file);
  const again = await read('configmap', 'shared');
  t.match(again, kept);
  t.notOk('old' in again.data, 'fields that the manifest no longer has are removed');
  await kubectl('patch', 'configmap', 'shared', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');

  const namespace = (labels: object) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'held', labels } });
  await write(namespace({ team: 'a' }));
  await kubectl('apply', '-f', file);
  await kubectl('label', 'namespace', 'held', 'pod-security.kubernetes.io/enforce=restricted');
  await kubectl('apply', '--server-side', '-f', file);
  const { metadata } = await read('namespace', 'held');
  t.match(metadata.labels, { team: 'a', 'pod-security.kubernetes.io/enforce': 'restricted' });
});
