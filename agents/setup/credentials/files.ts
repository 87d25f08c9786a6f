// A node's credentials on disk: read as values, written privately and in one step each.
import { join } from 'node:path';
import type { KeyPair } from '../../../controlplane/pki/certificate';
import { readIfThere, writePrivate } from '../../../controlplane/pki/files';
import { currentContext, readEntry, renderKubeconfig } from '../../../controlplane/pki/kubeconfig';
import type { NodeCredential } from '../../../controlplane/pki/node-credentials';
import type { Cluster, Found } from './plan';

type Name = NodeCredential['name'];
const context = 'k8ts';
const caFile = 'pki/ca.crt';

export const kubeconfigPath = (dir: string, name: Exclude<Name, 'serving'>): string => join(dir, `${name}.conf`);
const servingPath = (dir: string, suffix: 'crt' | 'key'): string => join(dir, 'pki', `kubelet.${suffix}`);

export async function readCredentials(dir: string, names: readonly Name[]): Promise<ReadonlyMap<string, Found>> {
  const found = await Promise.all(names.map(async (name) => [name, await readOne(dir, name)] as const));
  return new Map(found.flatMap(([name, one]) => (one ? [[name, one] as const] : [])));
}

async function readOne(dir: string, name: Name): Promise<Found | undefined> {
  if (name === 'serving') {
    const [cert, key] = await Promise.all([readIfThere(servingPath(dir, 'crt')), readIfThere(servingPath(dir, 'key'))]);
    return cert === undefined || key === undefined ? undefined : { pair: { cert, key } };
  }
  const text = await readIfThere(kubeconfigPath(dir, name));
  const entry = text === undefined ? undefined : readEntry(text, currentContext(text));
  return entry && { pair: entry.client, server: entry.server, caPem: entry.ca };
}

/** Writes one credential; of the pair the key first, so that a crash in between leaves a pair that is seen to be none. */
export async function writeCredential(dir: string, name: Name, pair: KeyPair, cluster: Cluster): Promise<void> {
  if (name === 'serving') {
    await writePrivate(servingPath(dir, 'key'), pair.key);
    await writePrivate(servingPath(dir, 'crt'), pair.cert);
    return;
  }
  const { server, caPem } = cluster;
  const text = renderKubeconfig({ name: context, server, ca: caPem, client: pair });
  await writePrivate(kubeconfigPath(dir, name), text);
}

/** Returns whether it had to be written. */
export async function ensureAuthority(dir: string, caPem: string): Promise<boolean> {
  const path = join(dir, caFile);
  if ((await readIfThere(path)) === caPem) return false;
  await writePrivate(path, caPem);
  return true;
}

/** What the answer to the caller names a written file. */
export const fileOf = (name: Name): string => (name === 'serving' ? 'pki/kubelet.crt' : `${name}.conf`);
