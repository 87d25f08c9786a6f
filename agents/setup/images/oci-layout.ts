// Reads a folder of images: an OCI image layout. Blobs stay on disk until they are sent. Source: OCI image specification,
// image-layout.md; names as containerd and hack/package write them.
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadRequest } from '../../../controlplane/base/errors';
import type { Descriptor, ImageSource, LayoutImage } from './types';

interface Manifest {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** The manifests of an image for several architectures. */
  readonly manifests?: readonly Descriptor[];
}

export class OciLayout implements ImageSource {
  constructor(private readonly dir: string) {}

  /** Every image that has a name. @throws BadRequest when the folder is not a layout */
  async images(): Promise<readonly LayoutImage[]> {
    let index: Manifest;
    try {
      index = JSON.parse(await readFile(join(this.dir, 'index.json'), 'utf8')) as Manifest;
    } catch (cause) {
      throw new BadRequest(`${this.dir} is not an OCI image layout`, { cause });
    }
    return (index.manifests ?? []).flatMap((manifest) => {
      const name = nameOf(manifest);
      return name === undefined ? [] : [{ ...splitName(name), manifest }];
    });
  }

  /** @throws BadRequest for a text that is not a digest */
  async readBlob(digest: string): Promise<Buffer> {
    return readFile(this.blobPath(digest));
  }

  /** A stream of the blob. @throws BadRequest for a text that is not a digest */
  async openBlob(digest: string): Promise<Blob> {
    return openAsBlob(this.blobPath(digest));
  }

  async contents(manifest: Descriptor): Promise<{ blobs: readonly Descriptor[]; manifests: readonly Descriptor[] }> {
    const {
      config,
      layers = [],
      manifests = [],
    } = JSON.parse((await this.readBlob(manifest.digest)).toString('utf8')) as Manifest;
    return { blobs: [...(config ? [config] : []), ...layers], manifests };
  }

  private blobPath(digest: string): string {
    const [algorithm, hex] = digest.split(':');
    if (algorithm !== 'sha256' || !/^[0-9a-f]{64}$/.test(hex ?? '')) throw new BadRequest(`no digest: ${digest}`);
    return join(this.dir, 'blobs', algorithm, hex!);
  }
}

function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations['io.containerd.image.name'];
  const ref = annotations['org.opencontainers.image.ref.name'];
  // By the specification this annotation holds a tag; some tools write a whole name into it.
  return full ?? (ref?.includes('/') ? ref : undefined);
}

/**
 * Into repository and tag for a mirror of Docker Hub: docker.io/library/busybox:1.35, busybox:1.35 and library/busybox:1.35 are
 * one. @throws BadRequest for names of other registries, which Docker does not ask a mirror for
 */
export function splitName(name: string): { readonly repository: string; readonly tag: string } {
  const match = /^(?:docker\.io\/|index\.docker\.io\/)?([^:@]+)(?::([\w][\w.-]{0,127}))?$/.exec(name);
  const first = match?.[1]?.split('/') ?? [];
  if (!match || (first.length > 1 && /[.:]|^localhost$/.test(first[0]!)) || name.includes(':5000/')) {
    throw new BadRequest(`image ${name}: the cluster's registry serves names without a registry, like busybox:1.35`);
  }
  return { repository: match[1]!.includes('/') ? match[1]! : `library/${match[1]}`, tag: match[2] ?? 'latest' };
}
