// One image layer as bytes: a gzipped tar of named entries, the same bytes for the same entries.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export type LayerEntry =
  | { readonly path: string; readonly kind: 'file'; readonly content: Buffer; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  | { readonly path: string; readonly kind: 'directory'; readonly mode: number };

export interface Layer {
  readonly bytes: Buffer;
  /** sha256:... of the gzipped bytes, by which a registry knows it. */
  readonly digest: string;
  /** sha256:... of the tar inside, by which an image's configuration knows it. */
  readonly diffId: string;
}

export const digestOf = (bytes: Buffer | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Paths are without a leading slash; missing parent directories are added, and a path given twice keeps its last entry. */
export async function buildLayer(entries: readonly LayerEntry[]): Promise<Layer> {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!byPath.has(path)) byPath.set(path, { path, kind: 'directory', mode: 0o755 });
    }
    byPath.set(entry.path, entry);
  }
  const tar = pack();
  for (const entry of [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const common = { name: entry.path, mtime: new Date(0), uid: 0, gid: 0 };
    if (entry.kind === 'file') tar.entry({ ...common, mode: entry.mode }, entry.content);
    else if (entry.kind === 'link') tar.entry({ ...common, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else tar.entry({ ...common, name: `${entry.path}/`, type: 'directory', mode: entry.mode });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const bytes = gzipSync(Buffer.concat(chunks), { level: 6 });
  return { bytes, digest: digestOf(bytes), diffId: digestOf(gunzipSync(bytes)) };
}
