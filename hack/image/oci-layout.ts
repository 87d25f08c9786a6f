// Images as a folder that every tool reads: an OCI image layout. Blobs are named by their digest, so that several images share them.
// Source: OCI image specification, image-layout.md; the annotation with the full name is containerd's.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Image, manifestType } from './image';
import { digestOf } from './layer';

/** Replaces the folder. */
export function writeOciLayout(dir: string, images: readonly Image[]): void {
  const blobs = join(dir, 'blobs', 'sha256');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  for (const { layer, config, manifest } of images) {
    for (const bytes of [layer.bytes, config, manifest]) {
      writeFileSync(join(blobs, digestOf(bytes).replace('sha256:', '')), bytes);
    }
  }
  const manifests = images.map(({ repository, tag, manifest }) => ({
    mediaType: manifestType,
    digest: digestOf(manifest),
    size: manifest.length,
    annotations: {
      'io.containerd.image.name': `docker.io/${repository}:${tag}`,
      'org.opencontainers.image.ref.name': tag,
    },
  }));
  writeFileSync(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }, null, 2));
}
