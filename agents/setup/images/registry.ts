// Sends images to a registry by its HTTP API, version 2: each blob unless it is there, then the manifest. Source: OCI
// distribution specification, "Push".
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../../controlplane/base/errors';
import type { Descriptor, ImageSource, LayoutImage } from './types';

const pollMs = 100;
const answerTimeoutMs = 5_000;

/** @throws Unavailable when the registry at `address` (host:port) does not answer before the signal is aborted */
export async function waitForRegistry(address: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const answer = await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(answerTimeoutMs) });
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch (cause) {
      if (signal.aborted) throw new Unavailable(`the registry at ${address} does not answer`, { cause });
    }
    await sleep(pollMs, undefined, { signal }).catch((cause) => {
      throw new Unavailable(`the registry at ${address} does not answer`, { cause });
    });
  }
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** The digest of the manifest under this name; undefined when there is none. */
export async function digestIn(
  address: string,
  { repository, tag }: Pick<LayoutImage, 'repository' | 'tag'>,
): Promise<string | undefined> {
  const answer = await fetch(`http://${address}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: manifestTypes.join(', ') },
  });
  return answer.ok ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}

export async function pushImage(address: string, source: ImageSource, image: LayoutImage): Promise<void> {
  const base = `http://${address}/v2/${image.repository}`;
  await pushManifest(base, source, image.manifest, image.tag);
}

/** Sends first what the manifest refers to: a registry refuses a manifest with missing parts. */
async function pushManifest(base: string, source: ImageSource, manifest: Descriptor, reference: string): Promise<void> {
  const { blobs, manifests } = await source.contents(manifest);
  await Promise.all(blobs.map((blob) => pushBlob(base, source, blob)));
  for (const one of manifests) await pushManifest(base, source, one, one.digest);
  const body = await source.readBlob(manifest.digest);
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  if (digest !== manifest.digest) throw new Unavailable(`the manifest ${manifest.digest} is damaged: it is ${digest}`);
  const headers = { 'content-type': manifest.mediaType };
  await expectStatus(
    await fetch(`${base}/manifests/${reference}`, { method: 'PUT', headers, body: new Uint8Array(body) }),
    201,
  );
}

async function pushBlob(base: string, source: ImageSource, { digest }: Descriptor): Promise<void> {
  const there = await fetch(`${base}/blobs/${digest}`, { method: 'HEAD' });
  if (there.ok) return;
  const upload = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  await expectStatus(upload, 202);
  const location = new URL(upload.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  // The registry compares the digest itself.
  await expectStatus(await fetch(location, { method: 'PUT', headers, body: await source.openBlob(digest) }), 201);
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  const text = await answer.text();
  if (answer.status !== status) throw new Unavailable(`registry: ${answer.url}: ${answer.status} ${text.trim()}`);
}
