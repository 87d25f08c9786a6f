// A node's credentials on disk: read as values, written with private modes and atomically. Joining creates them, the kubelet
// renews them, in the same format.
import { dirname, join } from 'node:path';
import type { KeyPair } from './certificate';
import { readIfThere, writePrivate } from './files';
import { currentContext, mergeKubeconfig, readEntry, renderKubeconfig } from './kubeconfig';
import type { NodeCredential } from './node-credentials';

export type CredentialName = NodeCredential['name'];

export interface NodeFiles {
  /** Holds {kubelet,kube-proxy,dns,ingress}.conf. */
  readonly dir: string;
  /** Holds ca.crt, kubelet.crt, kubelet.key. */
  readonly pkiDir: string;
  /** If it is not `dir`/kubelet.conf. */
  readonly kubelet?: string;
}

/** The parts of one credential on disk; server and authority if a kubeconfig names them. */
export interface FoundCredential {
  readonly pair: KeyPair;
  readonly server?: string;
  readonly caPem?: string;
}
export interface ClusterAddress {
  /** https://192.168.56.10:6443 */
  readonly server: string;
  /** PEM */
  readonly caPem: string;
}

/** For a kubeconfig that has none yet. */
const context = 'k8ts';

/** The files of a kubelet with these two options: the other kubeconfigs are in the directory of its own. */
export const filesBeside = (kubeconfig: string, pkiDir: string): NodeFiles => ({
  dir: dirname(kubeconfig),
  pkiDir,
  kubelet: kubeconfig,
});

/** The path of a credential; for the serving pair, of its certificate. */
export function pathOf(files: NodeFiles, name: CredentialName): string {
  if (name === 'serving') return join(files.pkiDir, 'kubelet.crt');
  return name === 'kubelet' && files.kubelet !== undefined ? files.kubelet : join(files.dir, `${name}.conf`);
}
const servingKey = ({ pkiDir }: NodeFiles): string => join(pkiDir, 'kubelet.key');

/** Undefined when there is none, or a kubeconfig does not embed its data. */
export async function readCredential(files: NodeFiles, name: CredentialName): Promise<FoundCredential | undefined> {
  const text = await readIfThere(pathOf(files, name));
  if (text === undefined) return undefined;
  if (name === 'serving') {
    const key = await readIfThere(servingKey(files));
    return key === undefined ? undefined : { pair: { cert: text, key } };
  }
  const entry = readEntry(text, contextOf(text));
  return entry && { pair: entry.client, server: entry.server, caPem: entry.ca };
}

/**
 * Writes one credential; all else in a kubeconfig stays. For the serving pair the key first: a crash in between leaves a pair
 * that does not match, and a reader sees that.
 */
export async function writeCredential(
  files: NodeFiles,
  name: CredentialName,
  pair: KeyPair,
  { server, caPem }: ClusterAddress,
): Promise<void> {
  const path = pathOf(files, name);
  if (name === 'serving') {
    await writePrivate(servingKey(files), pair.key);
    await writePrivate(path, pair.cert);
    return;
  }
  const text = await readIfThere(path);
  const current = text === undefined ? '' : contextOf(text);
  const entry = { name: current === '' ? context : current, server, ca: caPem, client: pair };
  await writePrivate(path, current === '' ? renderKubeconfig(entry) : mergeKubeconfig(text, entry));
}

/** '' also for a text that is not a kubeconfig. */
function contextOf(text: string): string {
  try {
    return currentContext(text);
  } catch {
    return '';
  }
}

/** Returns whether it wrote the file. */
export async function ensureAuthority({ pkiDir }: NodeFiles, caPem: string): Promise<boolean> {
  const path = join(pkiDir, 'ca.crt');
  if ((await readIfThere(path)) === caPem) return false;
  await writePrivate(path, caPem);
  return true;
}
