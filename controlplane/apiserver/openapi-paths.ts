// Mounts the OpenAPI documents below /openapi: negotiation, entity tags, compression.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Catalog } from '../api/catalog';
import type { SchemaSet } from '../api/schema/schema-set';
import { versionInfo } from '../base/version';
import { type OpenApiDocument, OpenApiDocuments, v2ProtobufAccept, v2ProtobufType } from './openapi/openapi';
import { type ApiRequest, header, jsonType, queryOf, type Reply } from './request';
import type { PathHandler } from './servers/path-server';

const textType = 'text/plain; charset=utf-8';

/** Smaller documents are not compressed: it would cost more than it saves. */
const compressFrom = 128 * 1024;

/** The documents of aggregated API servers. */
export interface RemoteOpenApi {
  /** Path (apis/GROUP/VERSION) → the address of the document, with its hash. */
  entries(): Readonly<Record<string, string>>;
  /** @throws PathNotFound when the server has no such document */
  document(path: string, search: string): Promise<Reply>;
}

export function openapiHandler(catalog: Catalog, schemas: SchemaSet, remote?: RemoteOpenApi): PathHandler {
  const documents = new OpenApiDocuments(catalog, schemas, `${versionInfo.major}.${versionInfo.minor}`);
  return (request, path) => {
    if (path === '/openapi/v2') {
      // A media type must not contain @, so the name in the Accept header differs from that of the answer.
      const protobuf = header(request.headers, 'accept')
        .split(',')
        .some((range) => range.trim() === v2ProtobufAccept);
      return protobuf
        ? answer(request, documents.v2Protobuf(), v2ProtobufType)
        : answer(request, documents.v2Json(), jsonType);
    }
    const others = remote?.entries() ?? {};
    // Upstream names no type, and Go finds it in the text.
    if (path === '/openapi/v3') return answer(request, documents.v3Index(others), textType);
    const version = path.slice('/openapi/v3/'.length);
    if (remote && Object.hasOwn(others, version)) return remote.document(version, request.search);
    const document = path.startsWith('/openapi/v3/') ? documents.v3(version) : undefined;
    return document && answer(request, document, jsonType);
  };
}

async function answer(request: ApiRequest, composed: Promise<OpenApiDocument>, type: string): Promise<Reply> {
  const document = await composed;
  const { body, etag, hash } = document;
  const fresh = queryOf(request).get('hash') === hash;
  const headers: Record<string, string> = {
    etag,
    vary: 'Accept, Accept-Encoding',
    'cache-control': fresh ? 'public, immutable' : 'no-cache, private',
    ...(fresh ? { expires: new Date(Date.now() + 365 * 24 * 3600 * 1000).toUTCString() } : {}),
  };
  if (header(request.headers, 'if-none-match').includes(etag))
    return { status: 304, type, headers, body: Buffer.alloc(0) };
  if (body.length >= compressFrom && /\bgzip\b/.test(header(request.headers, 'accept-encoding'))) {
    return {
      status: 200,
      type,
      headers: { ...headers, 'content-encoding': 'gzip' },
      body: await compressed(document),
    };
  }
  return { status: 200, type, headers, body };
}

const compress = promisify(gzip);

/** Once for each document, in a thread of its own: megabytes take longer than a request may hold the event loop. */
function compressed(document: OpenApiDocument): Promise<Buffer> {
  let bytes = compressions.get(document);
  if (!bytes) {
    bytes = compress(document.body, { level: 1 });
    compressions.set(document, bytes);
  }
  return bytes;
}

const compressions = new WeakMap<OpenApiDocument, Promise<Buffer>>();
