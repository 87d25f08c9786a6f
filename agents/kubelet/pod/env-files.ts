// The files in volumes of a pod that variables of a container come from (fileKeyRef). Containers write these volumes, so a file is opened
// without following a link out of its volume. Each file is read once, in a bounded size, and of its text only the values are kept: a
// container may name thousands of variables and files.
import { open } from 'node:fs/promises';
import type { Pod } from '../../../controlplane/api';
import { compositeKey } from '../../../controlplane/base/composite-key';
import { eventLoop } from '../../../controlplane/base/event-loop';
import { openBeneath, pathOfHeld } from '../../../dataplane/mount/beneath';
import type { Container } from '../spec/container';
import { type EnvFile, parseEnvFile } from '../spec/env-file';
import type { PodDeps } from './deps';

/** Of all files of one container: more than its environment can have, since the kernel takes 128 KiB for one variable. */
const maxBytes = 1024 * 1024;

/** By volume and path. A file that is missing, no plain file, or beyond the size of all files is absent. */
export type EnvFiles = (volume: string, path: string) => EnvFile | undefined;

interface Wanted {
  readonly volume: string;
  readonly path: string;
  readonly keys: Set<string>;
}

export async function readEnvFiles(
  { volumes }: Pick<PodDeps, 'volumes'>,
  pod: Pod,
  container: Container,
): Promise<EnvFiles> {
  const found = new Map<string, EnvFile>();
  let left = maxBytes;
  for (const [id, { volume, path, keys }] of wantedFiles(container)) {
    const source = (pod.spec?.volumes ?? []).find(({ name }) => name === volume);
    if (!source) continue;
    const text = await readBounded(volumes.path(pod.metadata?.uid ?? '', source), path, left).catch(() => undefined);
    if (text === undefined) continue;
    left -= text.length;
    found.set(id, await parse(text.toString('utf8'), keys));
  }
  return (volume, path) => found.get(compositeKey(volume, path));
}

function wantedFiles({ env = [] }: Container): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const { valueFrom } of env) {
    if (!valueFrom?.fileKeyRef) continue;
    const { volumeName: volume, path, key } = valueFrom.fileKeyRef;
    const id = compositeKey(volume, path);
    const file = wanted.get(id) ?? { volume, path, keys: new Set<string>() };
    wanted.set(id, file);
    file.keys.add(key);
  }
  return wanted;
}

async function parse(text: string, keys: ReadonlySet<string>): Promise<EnvFile> {
  const steps = parseEnvFile(text, keys);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await eventLoop.pause();
  }
}

async function readBounded(root: string, path: string, limit: number): Promise<Buffer | undefined> {
  const held = await openBeneath(root, path);
  try {
    // To open a FIFO or a device could block or have an effect.
    const info = await held.stat();
    if (!info.isFile() || info.size > limit) return undefined;
    const file = await open(pathOfHeld(held), 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(info.size), 0, info.size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } finally {
    await held.close();
  }
}
