// Builds the catalog into .runtime/images and reads it back: one directory per image with layer, configuration and manifest.
// A hash of all inputs shows whether the stored images are up to date.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../../dataplane/exec/exec';
import { catalog, packages, staticPackages } from './catalog';
import { unpackPackages } from './debs';
import { composeImage, type Image } from './image';
import { buildLayer, digestOf, type Layer } from './layer';

export interface ImagePaths {
  /** .runtime/images */
  readonly dir: string;
  /** hack/image in the checkout: its sources are part of the hash. */
  readonly source: string;
}

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Builds missing and outdated images; returns the images and whether it built any. */
export async function ensureImages(
  exec: Exec,
  paths: ImagePaths,
): Promise<{ images: readonly Image[]; built: boolean }> {
  const stamp = join(paths.dir, 'stamp');
  const hash = sourceHash(paths.source);
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (!fresh) await buildAll(exec, paths, stamp, hash);
  return {
    images: catalog.map(({ repository, tag, config }) => readImage(paths.dir, repository, tag, config)),
    built: !fresh,
  };
}

async function buildAll(exec: Exec, paths: ImagePaths, stamp: string, hash: string): Promise<void> {
  mkdirSync(paths.dir, { recursive: true });
  rmSync(stamp, { force: true });
  const unpack = (names: readonly string[]) =>
    unpackPackages(exec, join(paths.dir, `packages-${packagesHash(names)}`), names);
  const [root, staticRoot] = [await unpack(packages), await unpack(staticPackages)];
  for (const definition of catalog) {
    const entries = await definition.entries({ exec, root, staticRoot, files: join(paths.source, 'rootfs') });
    const layer = await buildLayer(entries);
    const dir = imageDir(paths.dir, definition.repository);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'layer.tar.gz'), layer.bytes);
    writeFileSync(join(dir, 'diff-id'), layer.diffId);
  }
  writeFileSync(stamp, hash);
}

function readImage(dir: string, repository: string, tag: string, config: (typeof catalog)[number]['config']): Image {
  const from = imageDir(dir, repository);
  const bytes = readFileSync(join(from, 'layer.tar.gz'));
  const layer: Layer = { bytes, digest: digestOf(bytes), diffId: readFileSync(join(from, 'diff-id'), 'utf8') };
  return composeImage({ repository, tag }, layer, config, architecture);
}

const imageDir = (dir: string, repository: string): string => join(dir, repository.replace('/', '-'));

/** Packages are fetched again when the list or the release changes, not when our files do. */
const packagesHash = (names: readonly string[]): string =>
  createHash('sha256')
    .update(`${names.join(' ')} ${release()}`)
    .digest('hex')
    .slice(0, 12);

function sourceHash(source: string): string {
  const hash = createHash('sha256').update(release());
  const files = [source, join(source, 'rootfs')].flatMap((dir) =>
    readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => join(dir, entry.name)),
  );
  for (const path of files.sort()) hash.update(readFileSync(path));
  return hash.digest('hex');
}

const release = (): string =>
  `${process.arch} ${existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''}`;
