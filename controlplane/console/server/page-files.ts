// The files of the built page: next to the bundle in an installed k8ts, in dist/ in a checkout. Nothing is read before the first
// request; what has been read is kept as bytes, about 1 MB for all files in one encoding.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Encoding } from './accept-encoding';

export interface PageFile {
  readonly bytes: Buffer;
  /** With its quotes. Of these bytes: each encoding has its own. */
  readonly etag: string;
  /** How the bytes are encoded; a small file has no compressed form. */
  readonly encoding: Encoding;
}

export interface PageFiles {
  /** Undefined when the page has no file of this name: `index.html`, `assets/main-ABC.js`. */
  find(name: string, encoding: Encoding): Promise<PageFile | undefined>;
}

/** The build writes the compressed forms next to each file. */
const suffixes: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz', identity: '' };
const folder = 'console';

/** Where the build may have put the files. */
export const builtFolders = (): readonly string[] => [
  join(__dirname, folder),
  join(__dirname, '..', '..', '..', 'dist', folder),
];

export class BuiltPageFiles implements PageFiles {
  private names: Promise<ReadonlyMap<string, string>> | undefined;
  private readonly kept = new Map<string, Promise<PageFile>>();

  /** The first of the folders that exists is served. */
  constructor(private readonly folders: readonly string[] = builtFolders()) {}

  async find(name: string, encoding: Encoding): Promise<PageFile | undefined> {
    this.names ??= listFiles(this.folders);
    const names = await this.names;
    // Only names from the listing reach the file system, so no name can lead out of the folder.
    if (!names.has(name) || isCompressed(name)) return undefined;
    const there = names.has(`${name}${suffixes[encoding]}`) ? encoding : 'identity';
    const path = names.get(`${name}${suffixes[there]}`)!;
    const kept = this.kept.get(path) ?? load(path, there);
    this.kept.set(path, kept);
    return kept;
  }
}

const isCompressed = (name: string): boolean => name.endsWith('.br') || name.endsWith('.gz');

async function load(path: string, encoding: Encoding): Promise<PageFile> {
  const bytes = await readFile(path);
  return { bytes, encoding, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}

/** Name in the page → path on the disk; empty when the page was never built. */
async function listFiles(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  for (const dir of folders) {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    if (files.length > 0) return new Map(files.map((path) => [path.slice(dir.length + 1), path]));
  }
  return new Map();
}
