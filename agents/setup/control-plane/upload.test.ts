import { join } from 'node:path';
import t from 'tap';
import { secrets } from '../../../controlplane/api';
import { HttpsTransport } from '../../../controlplane/client/https-transport';
import { createClient } from '../../../controlplane/client/rest-client';
import { ensureEtcdPki } from '../../../controlplane/pki/etcd';
import { ensurePki } from '../../../controlplane/pki/pki';
import { readShared } from '../../../controlplane/pki/shared';
import { openControlPlane } from '../../../test/lib/control-plane';
import { eventually } from '../../../test/lib/eventually';
import { createToken } from '../token';
import { createSealKey } from './sealed-files';
import { downloadShared, uploadShared } from './upload';

t.setTimeout(120_000);
const names = { advertiseAddress: '192.168.57.10', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };

t.test('what one control machine uploads, another one with token and key can read', async (t) => {
  const { url, authority, client: admin, signal } = await openControlPlane(t);
  const dir = join(t.testdir(), 'pki');
  await ensurePki(dir, names);
  const withoutEtcd = await readShared(dir);
  await ensureEtcdPki(dir, { name: 'control', addresses: ['192.168.57.10'] });
  const shared = await readShared(dir);
  const token = await createToken(admin, { ttlMs: 3_600_000 }, signal);
  const [tokenId = ''] = token.split('.');
  const transport = new HttpsTransport({ server: url, ca: authority.cert, token });
  t.teardown(() => transport.close());
  const machine = createClient(transport);
  const key = createSealKey();
  await t.rejects(downloadShared(admin, key), /no uploaded certificates.*\n.*token create --control-plane/);
  await uploadShared(admin, shared, { sealKey: key, tokenId });
  t.strictSame([...(await downloadShared(machine, key))].sort(), [...shared].sort());
  await t.rejects(downloadShared(machine, createSealKey()), { code: 'BadRequest' }, 'the token alone reveals nothing');

  const second = createSealKey();
  await uploadShared(admin, shared, { sealKey: second, tokenId });
  await t.rejects(downloadShared(machine, key), { code: 'BadRequest' }, 'a new upload, a new key');
  t.equal((await downloadShared(machine, second)).size, 8);

  await uploadShared(admin, withoutEtcd, { sealKey: key, tokenId });
  await t.rejects(downloadShared(machine, key), /SQLite, a file of one machine.*\n.*--store=etcd/);

  await admin.delete(secrets, `kube-system/bootstrap-token-${tokenId}`);
  await eventually(admin, secrets, (list) => !list.some(({ metadata }) => metadata?.name === 'kubeadm-certs'));
});
