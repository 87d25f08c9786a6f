// The folder that turns a machine into a node: `DIR/k8ts init` or `DIR/k8ts join` there. Built next to the old folder, then
// replaces it in one step; nothing happens when no input has changed.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  constants as fsConstants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SystemExec } from '../../dataplane/exec/system-exec';
import packageJson from '../../package.json';
import { findProgram } from '../dev/facts';
import { digestOf } from '../image/layer';
import { writeOciLayout } from '../image/oci-layout';
import { ensureImages } from '../image/store';
import { type Copy, packageContents } from './contents';

const root = join(__dirname, '..', '..');
export const defaultDir = '.k8ts/package';
const stampName = '.stamp';
/** Where hack/lib/setup.sh unpacks the registry's package. */
const fetchedPrograms = join(root, '.runtime/debs/docker-registry/usr/bin');

const wrapper = `#!/bin/sh
dir=$(dirname "$(readlink -f "$0")"); LD_LIBRARY_PATH="$dir/lib" exec "$dir/bin/node" "$dir/k8ts.js" "$@"
`;

/** Returns the folder; `path` is searched for the registry. @throws NotFound naming what has not been built or fetched */
export async function makePackage(target = join(root, defaultDir), path = ''): Promise<string> {
  const exec = new SystemExec();
  const { images } = await ensureImages(exec, {
    dir: join(root, '.runtime/images'),
    source: join(root, 'hack/image'),
  });
  const copies = packageContents({
    root,
    arch: process.arch,
    node: process.execPath,
    dockerRegistry: findProgram('docker-registry', `${path}:${fetchedPrograms}`) ?? 'docker-registry',
    libatomic: libraryOf((await exec.run(['ldd', process.execPath])).stdout, 'libatomic.so.1'),
  });
  const stamp = stampOf(copies, [wrapper, ...images.map(({ manifest }) => digestOf(manifest))]);
  if (readStamp(target) !== stamp) {
    const fresh = `${target}.new`;
    rmSync(fresh, { recursive: true, force: true });
    copyAll(copies, fresh);
    writeFileSync(join(fresh, 'k8ts'), wrapper, { mode: 0o755 });
    writeOciLayout(join(fresh, 'images'), images);
    writeFileSync(join(fresh, 'VERSION'), `${packageJson.version} ${contentHash(copies)}\n`);
    writeFileSync(join(fresh, stampName), stamp);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  }
  return target;
}

/** The path in a line of ldd: NAME => PATH (ADDRESS). */
function libraryOf(listing: string, name: string): string {
  return (
    listing
      .split('\n')
      .find((line) => line.trim().startsWith(`${name} =>`))
      ?.split(/\s+/)[3] ?? name
  );
}

function copyAll(copies: readonly Copy[], dir: string): void {
  for (const { from, to, executable } of copies) {
    const path = join(dir, to);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(from, path, fsConstants.COPYFILE_FICLONE);
    chmodSync(path, executable ? 0o755 : 0o644);
  }
}

/** Hash of the inputs, by size and time: quick to compare. */
function stampOf(copies: readonly Copy[], rest: readonly string[]): string {
  const hash = createHash('sha256').update(rest.join('\n'));
  for (const { from, to } of copies) {
    const { size, mtimeMs } = statSync(from);
    hash.update(`${to} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Hash of the contents: the same program has the same hash, wherever and whenever it was packed. */
function contentHash(copies: readonly Copy[]): string {
  const hash = createHash('sha256').update(wrapper);
  for (const { from, to } of copies) hash.update(`${to}\n`).update(readFileSync(from));
  return hash.digest('hex').slice(0, 16);
}

function readStamp(dir: string): string | undefined {
  const path = join(dir, stampName);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
