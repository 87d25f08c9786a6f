// Reads the seccomp profile of a container from the node's folder of profiles. Docker takes the text of a profile, not its path.
import { readFile, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { Pod } from '../../../controlplane/api';
import { BadRequest, describeError } from '../../../controlplane/base/errors';
import type { Container } from '../spec/container';
import { seccompOf } from '../spec/security-profiles';
import type { PodDeps } from './deps';

/** Docker's own profile has 13 kB. */
const maxProfileBytes = 1024 * 1024;

/** As Docker wants it: 'unconfined' or the text of a profile; undefined for Docker's default. @throws BadRequest for a file that is unusable */
export async function seccompProfile(
  { node }: Pick<PodDeps, 'node'>,
  pod: Pod,
  container: Container,
): Promise<string | undefined> {
  const profile = seccompOf(pod, container);
  if (profile?.type === 'Unconfined') return 'unconfined';
  if (profile?.type !== 'Localhost') return undefined;
  // The API server has checked it. What root reads must not depend on that.
  const name = normalize(profile.localhostProfile ?? '');
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw new BadRequest(`invalid seccomp profile ${JSON.stringify(name)}`);
  return readProfile(join(node.rootDir, 'seccomp', name));
}

async function readProfile(path: string): Promise<string> {
  try {
    const info = await stat(path);
    if (!info.isFile() || info.size > maxProfileBytes) throw new Error(`no file of at most ${maxProfileBytes} bytes`);
    const text = await readFile(path, 'utf8');
    JSON.parse(text);
    return text;
  } catch (err) {
    throw new BadRequest(`cannot load seccomp profile "${path}": ${describeError(err)}`);
  }
}
