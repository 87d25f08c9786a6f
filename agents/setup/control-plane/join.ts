// The part of `k8ts join --control-plane` that a worker does not have: the shared files, a member of etcd, the server's own certificates.
import { BadRequest } from '../../../controlplane/base/errors';
import type { Client } from '../../../controlplane/client/client';
import { ensureEtcdPki, etcdClient } from '../../../controlplane/pki/etcd';
import { issueCertificate } from '../../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../../controlplane/pki/kubeconfig';
import { ensurePki, identities, readAuthority } from '../../../controlplane/pki/pki';
import { readShared, writeShared } from '../../../controlplane/pki/shared';
import { type Desired, hostPart, kubernetesService } from '../desired';
import { giveTo } from '../executor';
import { adminConf, apiPort, serverDir, serverPkiDir, users } from '../layout';
import { Refused } from '../refused';
import type { Session } from '../session';
import { addLearner, clusterOf, type EtcdConnection, promoteMember, removeMember } from './members';
import { downloadShared } from './upload';

/** What a further control machine gets from the cluster. */
export interface ControlAccess {
  /** Text by path, as writeShared() takes it. */
  readonly shared: ReadonlyMap<string, string>;
  /** A member of etcd that runs already. */
  readonly etcd: EtcdConnection;
}

/**
 * From this machine, if an earlier run has stored the files, else from the cluster. @param host the address of a control machine
 * @throws Refused when neither has them, or the options lack the key
 */
export async function openAccess(
  client: () => Client,
  { sealKey, host }: { readonly sealKey: string; readonly host: string },
): Promise<ControlAccess> {
  const shared = (await storedFiles()) ?? (await downloadShared(client(), checkKey(sealKey)));
  const authority = { cert: shared.get('etcd/ca.crt') ?? '', key: shared.get('etcd/ca.key') ?? '' };
  const pair = await issueCertificate(authority, etcdClient, Date.now());
  return { shared, etcd: { ip: host, ca: authority.cert, client: pair } };
}

async function storedFiles(): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const files = await readShared(serverPkiDir);
    return files.has('etcd/ca.key') ? files : undefined;
  } catch (err) {
    if (err instanceof BadRequest) return undefined;
    throw err;
  }
}

function checkKey(sealKey: string): string {
  if (sealKey !== '') return sealKey;
  throw new Refused(
    '--certificate-key is needed to join as a control machine.',
    'On a control machine, k8ts token create --control-plane prints the whole command.',
  );
}

/** Announces the member, and returns what it reads at its first start. */
export async function announceMember({ etcd }: ControlAccess, own: { readonly name: string; readonly ip: string }) {
  return clusterOf(await addLearner(etcd, own.ip), own);
}
export const withdrawMember = ({ etcd }: ControlAccess, ip: string): Promise<void> => removeMember(etcd, ip);

/** Undefined when the member of this machine has a vote, else why not yet. */
export const memberProblem = ({ etcd }: ControlAccess, ip: string): Promise<string | undefined> =>
  promoteMember(etcd, ip);

/** The files of the server and its member, and the administrator's kubeconfig. Returns which and why. */
export async function ensureControlFiles(
  { exec }: Session,
  { shared }: ControlAccess,
  { nodeName, nodeIp, cluster }: Desired,
): Promise<readonly string[]> {
  const made = [
    ...(await writeShared(serverPkiDir, shared)),
    ...(await ensurePki(serverPkiDir, {
      advertiseAddress: nodeIp,
      serviceAddress: kubernetesService(cluster),
      clusterDomain: cluster.clusterDomain,
    })),
    ...(await ensureEtcdPki(serverPkiDir, { name: nodeName, addresses: [nodeIp] })),
  ];
  await giveTo(exec, serverDir, users.server);
  const authority = (await readAuthority(serverPkiDir))!;
  const server = `https://${hostPart(nodeIp)}:${apiPort}`;
  const reason = await ensureKubeconfig(adminConf, authority, { name: 'k8ts', server, identity: identities.admin });
  return reason ? [...made, `${adminConf}: ${reason}`] : made;
}
