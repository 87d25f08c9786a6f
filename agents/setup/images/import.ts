// Brings a folder of images into the cluster's registry: an OCI image layout, archives of `docker save`, or both.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../../dataplane/exec/exec';
import type { Engine } from '../docker-engine';
import { pushAddress, pushUnit } from '../layout';
import { Refused } from '../refused';
import { OciLayout, splitName } from './oci-layout';
import { digestIn, pushImage, waitForRegistry } from './registry';
import type { LayoutImage } from './types';

export interface ImportDeps {
  readonly exec: Exec;
  readonly engine: Engine;
  /** The registry that all nodes read: host:port. */
  readonly registry: string;
  readonly signal: AbortSignal;
}

/** Returns the names of the new images. @throws Refused when the folder holds neither */
export async function importImages(dir: string, deps: ImportDeps): Promise<readonly string[]> {
  const names = await readdir(dir).catch(() => [] as string[]);
  const archives = names.filter((name) => name.endsWith('.tar')).sort();
  const isLayout = names.includes('index.json');
  if (!isLayout && archives.length === 0) {
    throw new Refused(
      `${dir} holds no images: neither an OCI image layout (index.json) nor archives of docker save (*.tar).`,
      'hack/package writes such a folder as images/; or leave --images out.',
    );
  }
  await waitForRegistry(deps.registry, deps.signal);
  const layout = new OciLayout(dir);
  const missing: LayoutImage[] = [];
  for (const image of isLayout ? await layout.images() : []) {
    if ((await digestIn(deps.registry, image)) !== image.manifest.digest) missing.push(image);
  }
  if (missing.length === 0 && archives.length === 0) return [];
  return withWriters(deps, async () => {
    const sent: string[] = [];
    for (const image of missing) {
      await pushImage(pushAddress, layout, image);
      sent.push(`${image.repository}:${image.tag}`);
    }
    for (const archive of archives) sent.push(...(await importArchive(join(dir, archive), deps)));
    return sent;
  });
}

/** The registry accepts writes for this long at most, and only from this machine. */
async function withWriters<T>({ exec, signal }: ImportDeps, fn: () => Promise<T>): Promise<T> {
  await exec.run(['systemctl', 'start', pushUnit]);
  try {
    await waitForRegistry(pushAddress, signal);
    return await fn();
  } finally {
    await exec.run(['systemctl', 'stop', pushUnit]);
  }
}

/** Docker reads the archives, because it knows all their formats, and pushes the images. Returns their names. */
async function importArchive(path: string, { engine, registry }: ImportDeps): Promise<readonly string[]> {
  const sent: string[] = [];
  for (const name of await engine.load(createReadStream(path))) {
    const { repository, tag } = splitName(name);
    const before = await digestIn(registry, { repository, tag });
    const there = `${pushAddress}/${repository}`;
    await engine.tag(name, there, tag);
    await engine.push(there, tag);
    await engine.untag(`${there}:${tag}`);
    if ((await digestIn(registry, { repository, tag })) !== before) sent.push(name);
  }
  return sent;
}
