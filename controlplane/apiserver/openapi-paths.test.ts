// How OpenAPI documents are answered: entity tags, hashes in addresses, and compression.
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { KindCatalog } from '../api/catalog';
import { pods } from '../api/pod';
import { loadSchemas } from '../api/schema/load';
import { openapiHandler } from './openapi-paths';
import type { FullReply, Headers } from './request';

const handler = openapiHandler(new KindCatalog([pods]), loadSchemas());

async function get(path: string, headers: Headers = {}, search = ''): Promise<FullReply> {
  const user = { name: 'jane', groups: [] };
  const reply = await handler({ method: 'GET', path, search, headers, user, body: async () => Buffer.alloc(0) }, path);
  return reply as FullReply;
}

t.test('a document is compressed once for all requests that accept gzip', async (t) => {
  const plain = await get('/openapi/v2');
  t.notOk(plain.headers?.['content-encoding']);
  const replies = await Promise.all([1, 2].map(() => get('/openapi/v2', { 'accept-encoding': 'deflate, gzip' })));
  for (const { headers, body } of replies) {
    t.equal(headers?.['content-encoding'], 'gzip');
    t.equal(headers?.['etag'], plain.headers?.['etag']);
    t.ok(gunzipSync(body).equals(plain.body));
  }
  t.equal(replies[0]!.body, replies[1]!.body);
});

t.test('clients may keep what they have', async (t) => {
  const index = JSON.parse((await get('/openapi/v3')).body.toString());
  const [path, search] = index.paths['api/v1'].serverRelativeURL.split('?');
  const fresh = await get(path, {}, search);
  t.equal(fresh.headers?.['cache-control'], 'public, immutable');
  t.equal(fresh.headers?.['etag'], `"${search.slice('hash='.length)}"`);
  t.equal((await get(path, {}, 'hash=OLD')).headers?.['cache-control'], 'no-cache, private');
  const again = await get(path, { 'if-none-match': String(fresh.headers?.['etag']) });
  t.match(again, { status: 304, body: { length: 0 } });
});

t.test('a group and version that is not served has no document', async (t) => {
  for (const path of ['/openapi/v3/apis/nothing/v1', '/openapi/v3/', '/openapi/v4'])
    t.equal(await get(path), undefined);
});
