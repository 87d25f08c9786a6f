// The user's own kubeconfig: its path, its owner, and our context in it.
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writePrivate } from '../../controlplane/pki/files';
import {
  currentContext,
  type KubeconfigEntry,
  mergeKubeconfig,
  readEntry,
  removeFromKubeconfig,
} from '../../controlplane/pki/kubeconfig';
import type { ClusterState } from './state';

type Target = ClusterState['kubeconfig'];

/** $KUBECONFIG, or ~/.kube/config of the user who called sudo, or of root. */
export function findUserKubeconfig(env: Readonly<Record<string, string | undefined>>): Target {
  const { home, owner } = invokingUser(env);
  const path = env['KUBECONFIG']?.split(':')[0] || join(home, '.kube/config');
  return {
    path,
    ...(owner ? { owner } : {}),
    ...(existsSync(path) ? { original: readFileSync(path, 'utf8') } : {}),
    directoryMade: !existsSync(dirname(path)),
  };
}

function invokingUser(env: Readonly<Record<string, string | undefined>>) {
  const root = { home: env['HOME'] || '/root', owner: undefined };
  const uid = env['SUDO_UID'];
  if (uid === undefined || uid === '0') return root;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((row) => row.split(':'))
    .find((fields) => fields[2] === uid);
  const home = line?.[5];
  return home && existsSync(home) ? { home, owner: { uid: Number(uid), gid: Number(line[3]) } } : root;
}

/** Adds or renews the context; returns whether the file changed. The file has mode 0600 and keeps its owner. */
export async function mergeIntoUserKubeconfig(target: Target, entry: KubeconfigEntry): Promise<boolean> {
  const there = existsSync(target.path) ? readFileSync(target.path, 'utf8') : undefined;
  const known = there === undefined ? undefined : readEntry(there, entry.name);
  if (known && JSON.stringify(known) === JSON.stringify(entry)) return false;
  const owner = there === undefined ? target.owner : statSync(target.path);
  mkdirSync(dirname(target.path), { recursive: true, mode: 0o750 });
  await writePrivate(target.path, mergeKubeconfig(there, entry));
  if (owner) chownSync(target.path, owner.uid, owner.gid);
  if (target.owner && target.directoryMade) chownSync(dirname(target.path), target.owner.uid, target.owner.gid);
  return true;
}

/**
 * Removes the context. If nothing else has changed since, the file has the same bytes as before; a file that held only the
 * context is removed.
 */
export async function removeFromUserKubeconfig(target: Target, name: string): Promise<void> {
  if (!existsSync(target.path)) return;
  const owner = statSync(target.path);
  const left = removeFromKubeconfig(readFileSync(target.path, 'utf8'), name, currentContext(target.original));
  if (left === undefined && target.original === undefined) {
    rmSync(target.path);
    if (target.directoryMade) removeIfEmpty(dirname(target.path));
    return;
  }
  const sameAsBefore =
    target.original !== undefined &&
    left ===
      removeFromKubeconfig(mergeKubeconfig(target.original, placeholder(name)), name, currentContext(target.original));
  const text = sameAsBefore || left === undefined ? (target.original ?? '') : left;
  await writePrivate(target.path, text);
  chownSync(target.path, owner.uid, owner.gid);
}

const placeholder = (name: string): KubeconfigEntry => ({ name, server: '', ca: '', client: { cert: '', key: '' } });

/** The directory stays if it is not empty: kubectl keeps a cache in it. */
function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw err;
  }
}
