// The files that all API servers of one cluster share: authorities, and the key that signs tokens. A further control machine gets them
// and creates the rest itself. The list is that of `kubeadm init phase upload-certs`.
import { join } from 'node:path';
import { BadRequest } from '../base/errors';
import { readIfThere, writePrivate } from './files';

/** Paths below the directory of the server's keys; those of etcd are there only with etcd. */
export const sharedFiles = {
  always: ['ca.crt', 'ca.key', 'sa.key', 'sa.pub', 'front-proxy-ca.crt', 'front-proxy-ca.key'],
  withEtcd: ['etcd/ca.crt', 'etcd/ca.key'],
} as const;

/** Text by path below `dir`. @throws BadRequest when a file is missing that every cluster has */
export async function readShared(dir: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of [...sharedFiles.always, ...sharedFiles.withEtcd]) {
    const text = await readIfThere(join(dir, name));
    if (text !== undefined) found.set(name, text);
    else if ((sharedFiles.always as readonly string[]).includes(name))
      throw new BadRequest(`${join(dir, name)} is missing`);
  }
  return found;
}

/** Writes what is missing or different. Returns the paths that it wrote; nothing the second time. */
export async function writeShared(dir: string, files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [name, text] of files) {
    const path = join(dir, name);
    if ((await readIfThere(path)) === text) continue;
    await writePrivate(path, text);
    written.push(path);
  }
  return written;
}
