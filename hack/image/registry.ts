// Pushes images that were just built to the local cluster's registry; agents/setup/images implements the protocol.
import * as registry from '../../agents/setup/images/registry';
import type { Descriptor, ImageSource } from '../../agents/setup/images/types';
import { type Image, manifestType } from './image';
import { digestOf } from './layer';

const readyTimeoutMs = 15_000;

/** @throws Unavailable when the registry at `address` (host:port) does not answer in time */
export const waitForRegistry = (address: string): Promise<void> =>
  registry.waitForRegistry(address, AbortSignal.timeout(readyTimeoutMs));

/** Returns whether it sent anything. */
export async function pushImage(address: string, image: Image): Promise<boolean> {
  const { repository, tag, manifest } = image;
  const descriptor = { mediaType: manifestType, digest: digestOf(manifest), size: manifest.length };
  if ((await registry.digestIn(address, image)) === descriptor.digest) return false;
  await registry.pushImage(address, inMemory(image), { repository, tag, manifest: descriptor });
  return true;
}

function inMemory({ layer, config, manifest }: Image): ImageSource {
  const blobs = new Map([layer.bytes, config, manifest].map((bytes) => [digestOf(bytes), bytes]));
  return {
    contents: async ({ digest }) => {
      const { config, layers } = JSON.parse(blobs.get(digest)!.toString('utf8')) as ManifestText;
      return { blobs: [config, ...layers], manifests: [] };
    },
    readBlob: async (digest) => blobs.get(digest)!,
    openBlob: async (digest) => new Blob([new Uint8Array(blobs.get(digest)!)]),
  };
}

interface ManifestText {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
