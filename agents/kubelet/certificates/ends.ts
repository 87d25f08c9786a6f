// When the certificates of the kubelet end, for metrics: as their files say now.

import { lifetimeOf } from '../../../controlplane/pki/node-credentials';
import { type NodeFiles, readCredential } from '../../../controlplane/pki/node-files';
import type { Certificate } from '../stats/activity';

/** In ms since the epoch; undefined for one that is missing or unreadable. */
export async function certificateEnds(files: NodeFiles): Promise<Record<Certificate, number | undefined>> {
  const [client, server] = await Promise.all((['kubelet', 'serving'] as const).map((name) => endOf(files, name)));
  return { client, server };
}

async function endOf(files: NodeFiles, name: 'kubelet' | 'serving'): Promise<number | undefined> {
  try {
    const found = await readCredential(files, name);
    return found && lifetimeOf(found.pair.cert).endMs;
  } catch {
    return undefined;
  }
}
