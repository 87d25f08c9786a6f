// Pushes images to a registry by its HTTP API, version 2: each blob unless it is there, then the manifest.
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../controlplane/base/errors';
import { type Image, manifestType } from './image';
import { digestOf } from './layer';

const readyTimeoutMs = 15_000;
const pollMs = 30;

/** @throws Unavailable when the registry at `address` (host:port) does not answer in time */
export async function waitForRegistry(address: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    try {
      const answer = await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch (cause) {
      if (Date.now() > deadline) throw new Unavailable(`the registry at ${address} does not answer`, { cause });
    }
    await sleep(pollMs);
  }
}

/** Returns whether anything had to be sent. */
export async function pushImage(address: string, image: Image): Promise<boolean> {
  const base = `http://${address}/v2/${image.repository}`;
  const digest = digestOf(image.manifest);
  const there = await fetch(`${base}/manifests/${image.tag}`, { method: 'HEAD', headers: { accept: manifestType } });
  if (there.headers.get('docker-content-digest') === digest) return false;
  await Promise.all([image.layer.bytes, image.config].map((bytes) => pushBlob(base, bytes)));
  await expectStatus(
    await fetch(`${base}/manifests/${image.tag}`, {
      method: 'PUT',
      headers: { 'content-type': manifestType },
      body: new Uint8Array(image.manifest),
    }),
    201,
  );
  return true;
}

async function pushBlob(base: string, bytes: Buffer): Promise<void> {
  const digest = digestOf(bytes);
  const there = await fetch(`${base}/blobs/${digest}`, { method: 'HEAD' });
  if (there.ok) return;
  const upload = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  await expectStatus(upload, 202);
  const location = new URL(upload.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  await expectStatus(
    await fetch(location, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    }),
    201,
  );
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  const text = await answer.text();
  if (answer.status !== status) throw new Unavailable(`registry: ${answer.url}: ${answer.status} ${text.trim()}`);
}
