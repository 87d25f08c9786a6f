// The files in volumes of a pod that variables of a container come from (fileKeyRef). Containers write these volumes, so a file is opened
// without following a link out of its volume, and read in a bounded size.
import { open } from 'node:fs/promises';
import type { Pod } from '../../../controlplane/api';
import { openBeneath, pathOfHeld } from '../../../dataplane/mount/beneath';
import type { Container } from '../spec/container';
import type { PodDeps } from './deps';

/** More than any environment: the kernel takes 128 KiB for one variable. */
const maxFileBytes = 1024 * 1024;

/** Content by volume and path. A file that is missing, too large or no plain file is absent. */
export type EnvFiles = (volume: string, path: string) => string | undefined;

export async function readEnvFiles(
  { volumes }: Pick<PodDeps, 'volumes'>,
  pod: Pod,
  container: Container,
): Promise<EnvFiles> {
  const found = new Map<string, string>();
  for (const { valueFrom } of container.env ?? []) {
    const { fileKeyRef } = valueFrom ?? {};
    const volume = (pod.spec?.volumes ?? []).find(({ name }) => name === fileKeyRef?.volumeName);
    if (!fileKeyRef || !volume) continue;
    const text = await readBounded(volumes.path(pod.metadata?.uid ?? '', volume), fileKeyRef.path).catch(
      () => undefined,
    );
    if (text !== undefined) found.set(keyOf(volume.name, fileKeyRef.path), text);
  }
  return (volume, path) => found.get(keyOf(volume, path));
}

const keyOf = (volume: string, path: string): string => `${volume}/${path}`;

async function readBounded(root: string, path: string): Promise<string | undefined> {
  const held = await openBeneath(root, path);
  try {
    // To open a FIFO or a device could block or have an effect.
    const info = await held.stat();
    if (!info.isFile() || info.size > maxFileBytes) return undefined;
    const file = await open(pathOfHeld(held), 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxFileBytes), 0, maxFileBytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } finally {
    await held.close();
  }
}
