import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { composeImage } from '../../../hack/image/image';
import { buildLayer } from '../../../hack/image/layer';
import { writeOciLayout } from '../../../hack/image/oci-layout';
import { OciLayout, splitName } from './oci-layout';
import { digestIn, pushImage, waitForRegistry } from './registry';

/** A registry that keeps what it gets, checks digests, and refuses a manifest whose blobs it lacks. */
async function fakeRegistry(t: Test) {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const uploads: string[] = [];
  const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const answer = (status: number, headers: Record<string, string> = {}) =>
        response.writeHead(status, headers).end();
      const [, repository, kind, rest = ''] = /^\/v2\/(.+?)\/(blobs|manifests)\/(.*)$/.exec(url.pathname) ?? [];
      if (url.pathname === '/v2/') return answer(200);
      if (kind === 'manifests' && request.method === 'HEAD') {
        const there = manifests.get(`${repository}:${rest}`);
        return there ? answer(200, { 'docker-content-digest': digestOf(there) }) : answer(404);
      }
      if (kind === 'manifests') {
        const manifest = JSON.parse(body.toString()) as { config: { digest: string }; layers: { digest: string }[] };
        const needed = [manifest.config, ...manifest.layers];
        if (needed.some(({ digest }) => !blobs.has(digest))) return answer(400);
        manifests.set(`${repository}:${rest}`, body);
        return answer(201);
      }
      if (request.method === 'HEAD') return answer(blobs.has(rest) ? 200 : 404);
      if (request.method === 'POST') return answer(202, { location: `/v2/${repository}/blobs/uploads/1?state=x` });
      const digest = url.searchParams.get('digest')!;
      if (url.searchParams.get('state') !== 'x' || digestOf(body) !== digest) return answer(400);
      uploads.push(digest);
      blobs.set(digest, body);
      return answer(201);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, blobs, manifests, uploads };
}

async function layoutOf(t: Test, ...names: [string, string][]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-layout-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const layer = await buildLayer([{ path: 'hello', kind: 'file', content: Buffer.from('hello'), mode: 0o644 }]);
  writeOciLayout(
    join(dir, 'images'),
    names.map(([repository, tag]) => composeImage({ repository, tag }, layer, { command: [tag] }, 'amd64')),
  );
  return join(dir, 'images');
}

t.test('a folder of images arrives in the registry, each blob once', async (t) => {
  const registry = await fakeRegistry(t);
  const layout = new OciLayout(await layoutOf(t, ['k8ts/pause', '3.10'], ['library/busybox', '1.35']));
  await waitForRegistry(registry.address, AbortSignal.timeout(10_000));
  const images = await layout.images();
  t.match(images, [
    { repository: 'k8ts/pause', tag: '3.10' },
    { repository: 'library/busybox', tag: '1.35' },
  ]);
  for (const image of images) {
    t.equal(await digestIn(registry.address, image), undefined);
    await pushImage(registry.address, layout, image);
    t.equal(await digestIn(registry.address, image), image.manifest.digest);
  }
  t.strictSame([...registry.manifests.keys()], ['k8ts/pause:3.10', 'library/busybox:1.35']);
  t.equal(registry.uploads.length, 3, 'one layer that both share, two configurations');
});

t.test('a damaged folder is noticed', async (t) => {
  const registry = await fakeRegistry(t);
  const dir = await layoutOf(t, ['k8ts/pause', '3.10']);
  const layout = new OciLayout(dir);
  const [image] = await layout.images();
  const { blobs } = await layout.contents(image!.manifest);
  writeFileSync(join(dir, 'blobs', blobs[0]!.digest.replace(':', '/')), 'something else');
  await t.rejects(pushImage(registry.address, layout, image!), { code: 'Unavailable', message: /400/ });
  t.equal(registry.manifests.size, 0);
  await t.rejects(new OciLayout(join(dir, 'blobs')).images(), {
    code: 'BadRequest',
    message: /not an OCI image layout/,
  });
  await t.rejects(layout.readBlob('sha256:../../etc/passwd'), { code: 'BadRequest' });
});

t.test('names in the form that Docker requests from a mirror of Docker Hub', async (t) => {
  const cases: [string, string, string][] = [
    ['busybox:1.35', 'library/busybox', '1.35'],
    ['docker.io/library/busybox:1.35', 'library/busybox', '1.35'],
    ['k8ts/pause', 'k8ts/pause', 'latest'],
    ['index.docker.io/a/b:x', 'a/b', 'x'],
  ];
  for (const [name, repository, tag] of cases) t.same(splitName(name), { repository, tag }, name);
  for (const name of ['registry.example/a:1', '10.0.0.1:5000/a:1', 'localhost/a', 'a@sha256:00', '']) {
    t.throws(() => splitName(name), { code: 'BadRequest' }, name);
  }
});

t.test('the wait for a missing registry is bounded', async (t) => {
  const { address } = await fakeRegistry(t);
  const nobody = address.replace(/:\d+$/, ':1');
  await t.rejects(waitForRegistry(nobody, AbortSignal.timeout(50)), {
    code: 'Unavailable',
    message: /does not answer/,
  });
});
