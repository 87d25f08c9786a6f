// Uploads the files that all control machines share, sealed, and reads them on the machine that joins.
import { type Role, type RoleBinding, roleBindings, roles, type Secret, secrets } from '../../../controlplane/api';
import { tokenSecretKey } from '../../../controlplane/api/bootstrap-token';
import { hasCode, isNotFound } from '../../../controlplane/base/errors';
import type { Client } from '../../../controlplane/client/client';
import { sharedFiles } from '../../../controlplane/pki/shared';
import { Refused } from '../refused';
import { dataKeyOf, seal, unseal } from './sealed-files';

const namespace = 'kube-system';
const secretName = 'kubeadm-certs';
const roleName = 'kubeadm:kubeadm-certs';
const joiningGroup = 'system:bootstrappers:kubeadm:default-node-token';
const rbac = 'rbac.authorization.k8s.io';

/**
 * Replaces an earlier upload: its key opens nothing any more. The Secret belongs to the token, so both end together. Machines with a token
 * may read the Secret, but only the key opens it.
 */
export async function uploadShared(
  client: Client,
  files: ReadonlyMap<string, string>,
  { sealKey, tokenId }: { readonly sealKey: string; readonly tokenId: string },
): Promise<void> {
  const token = await client.get(secrets, tokenSecretKey(tokenId));
  const { name = '', uid = '' } = token.metadata ?? {};
  const owner = { apiVersion: 'v1', kind: 'Secret', name, uid, controller: true, blockOwnerDeletion: true };
  const data = Object.fromEntries([...files].map(([path, text]) => [dataKeyOf(path), seal(text, sealKey)]));
  const metadata = { name: secretName, namespace, ownerReferences: [owner] };
  const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata, data };
  try {
    await client.create(secrets, secret);
  } catch (err) {
    if (!hasCode(err, 'AlreadyExists')) throw err;
    const there = await client.get(secrets, `${namespace}/${secretName}`);
    const { resourceVersion = '' } = there.metadata ?? {};
    await client.update(secrets, { ...secret, metadata: { ...metadata, resourceVersion } });
  }
  await letMachinesRead(client);
}

async function letMachinesRead(client: Client): Promise<void> {
  const metadata = { name: roleName, namespace };
  const role: Role = {
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata,
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [secretName], verbs: ['get'] }],
  };
  const binding: RoleBinding = {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'Role', name: roleName },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: joiningGroup }],
  };
  for (const create of [() => client.create(roles, role), () => client.create(roleBindings, binding)]) {
    await create().catch((err: unknown) => {
      if (!hasCode(err, 'AlreadyExists')) throw err;
    });
  }
}

/**
 * The shared files by path, as writeShared() takes them. @throws Refused when there are none (any more), or the cluster has no etcd;
 * BadRequest for a wrong key
 */
export async function downloadShared(client: Client, sealKey: string): Promise<ReadonlyMap<string, string>> {
  const { data = {} } = await client.get(secrets, `${namespace}/${secretName}`).catch((err: unknown) => {
    if (!isNotFound(err)) throw err;
    throw new Refused(
      'the cluster has no uploaded certificates: they are removed two hours after their upload.',
      'On a control machine, k8ts token create --control-plane uploads them and prints the whole command.',
    );
  });
  const files = new Map<string, string>();
  for (const path of [...sharedFiles.always, ...sharedFiles.withEtcd]) {
    const sealed = data[dataKeyOf(path)];
    if (sealed === undefined) {
      throw new Refused(
        `the uploaded certificates lack ${path}${path.startsWith('etcd/') ? ': the cluster keeps its objects in SQLite, a file of one machine' : ''}.`,
        'A further control machine needs a cluster that was made with k8ts init --store=etcd.',
      );
    }
    files.set(path, unseal(sealed, sealKey));
  }
  return files;
}
