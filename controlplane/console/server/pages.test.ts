// The console's files over HTTPS, as a browser gets them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { BuiltPageFiles } from './page-files';
import { ConsolePages } from './pages';

const script = Buffer.from(`export const text = '${'k8ts '.repeat(400)}';\n`);
const start = Buffer.from('<!doctype html><title>k8ts</title>');

function builtPage(dir: string): string {
  mkdirSync(join(dir, 'console/assets'), { recursive: true });
  writeFileSync(join(dir, 'secret.txt'), 'secret');
  writeFileSync(join(dir, 'console/index.html'), start);
  const asset = join(dir, 'console/assets/main-ABC.js');
  writeFileSync(asset, script);
  writeFileSync(`${asset}.gz`, gzipSync(script));
  writeFileSync(`${asset}.br`, brotliCompressSync(script));
  return join(dir, 'console');
}

/** As a browser without a client certificate. */
const get = (server: TestServer, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  server.call(method, path, { as: null, headers });

t.test('the page of a server', async (t) => {
  const pages = new ConsolePages(new BuiltPageFiles([builtPage(t.testdir())]));
  const anonymous = { config: { anonymous: { enabled: false } } };
  const server = await startApiServer({ pages, authentication: anonymous });
  t.teardown(() => server.close());

  await t.test('the start page needs no user, and is asked for again each time', async (t) => {
    t.equal((await get(server, '/api')).status, 401, 'anonymous requests are off');
    const page = await get(server, '/console/');
    t.match(page, { status: 200, bytes: start });
    t.match(page.headers, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' });
    const again = await get(server, '/console/', { 'if-none-match': `"x", W/${page.headers['etag']}` });
    t.match(again, { status: 304, text: '' });
    t.match(again.headers, { etag: page.headers['etag'], 'cache-control': 'no-cache' });
    t.same((await get(server, '/console/index.html?x=1')).bytes, start);
    // A wrong token is of no interest for files.
    t.equal((await get(server, '/console/', { authorization: 'Bearer x' })).status, 200);
  });

  await t.test('assets are compressed, and kept for ever', async (t) => {
    const path = '/console/assets/main-ABC.js';
    const forms = [
      ['', undefined, (bytes: Buffer) => bytes],
      ['gzip', 'gzip', gunzipSync],
      ['gzip, br', 'br', brotliDecompressSync],
    ] as const;
    const tags = new Set<unknown>();
    for (const [accepted, encoding, decode] of forms) {
      const { status, headers, bytes } = await get(server, path, { 'accept-encoding': accepted });
      t.equal(status, 200);
      t.equal(headers['content-encoding'], encoding);
      t.same(decode(bytes), script);
      t.match(headers, {
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'Accept-Encoding',
      });
      tags.add(headers['etag']);
    }
    t.equal(tags.size, 3, 'each form has its own tag');
  });

  await t.test('every answer restricts what the page may do', async (t) => {
    for (const path of ['/console', '/console/', '/console/assets/main-ABC.js', '/console/none']) {
      const { headers } = await get(server, path);
      t.match(headers, {
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      const policy = String(headers['content-security-policy']);
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
        t.ok(policy.split('; ').includes(part), `${path}: ${part}`);
      }
      t.notMatch(policy, /unsafe/);
    }
  });

  await t.test('methods, and the path without its slash', async (t) => {
    t.match(await get(server, '/console'), { status: 308, headers: { location: '/console/' } });
    const head = await get(server, '/console/', {}, 'HEAD');
    t.match(head, { status: 200, text: '', headers: { 'content-length': String(start.length) } });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      t.match(await get(server, '/console/', {}, method), { status: 405, headers: { allow: 'GET, HEAD' } });
    }
  });

  await t.test('no path leads out of the folder', async (t) => {
    const paths = [
      '/console/../secret.txt',
      '/console/assets/../../secret.txt',
      '/console/%2e%2e/secret.txt',
      '/console/..%2fsecret.txt',
      '/console//etc/passwd',
      '/console/assets',
      '/console/assets/',
      '/console/assets/main-ABC.js.gz',
      '/console/assets/main-ABC.js.br',
      '/console/constructor',
      '/console/%00',
    ];
    for (const path of paths) {
      // node:https sends the path as it is; a URL would resolve the dots first.
      t.match(await get(server, path), { status: 404, text: /^no such file/ }, path);
    }
  });

  await t.test('paths next to it belong to the API', async (t) => {
    for (const path of ['/', '/consoles', '/console.js', '/Console/'])
      t.equal((await get(server, path)).status, 401, path);
  });
});

t.test('without pages the paths belong to the API', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  t.match(await server.call('GET', '/console/'), { status: 404 });
  t.match(await get(server, '/console/'), { status: 403 }, 'an anonymous user sees not even that');
  const { json } = await server.call('GET', '/');
  t.notOk(json.paths.some((path: string) => path.startsWith('/console')));
});

t.test('a page that was never built says so', async (t) => {
  const pages = new ConsolePages(new BuiltPageFiles([join(t.testdir(), 'none')]));
  const reply = await pages.answer({ method: 'GET', path: '/console/', headers: {} });
  t.match(reply, { status: 404 });
  t.match(String(reply?.body), /the console is missing/);
});
