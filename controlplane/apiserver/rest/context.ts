// The arguments of every verb: the parts of the server it uses, and the request.
import type { Catalog } from '../../api/catalog';
import type { Kind } from '../../api/kind';
import type { SchemaSet } from '../../api/schema/schema-set';
import { type SourceText, validateStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import { BadRequest } from '../../base/errors';
import type { Authorizer } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import { protobufType } from '../protobuf/envelope';
import type { ProtobufObjects } from '../protobuf/objects';
import type { ApiRequest, FullReply } from '../request';
import { header, queryOf } from '../request';
import type { ResourceRoute } from '../route';
import type { WriteRules } from '../write/run';
import { UnreadableYaml } from '../yaml/converter';
import { decodeObject, unrecognized } from './decode';
import type { ListBytes } from './list-bytes';
import { writeOptions } from './write-options';

export interface RestDeps {
  readonly catalog: Catalog;
  readonly schemas: SchemaSet;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly rules: WriteRules;
  readonly authorizer: Authorizer;
  readonly lists: ListBytes;
  readonly protobuf: ProtobufObjects;
  /** Whether a new object gets managedFields, or only an object that is applied. */
  readonly ownersFromCreate: boolean;
}

/** One request for a resource. */
export interface RestRequest {
  readonly request: ApiRequest;
  readonly catalog: Catalog;
  readonly schemas: SchemaSet;
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly warnings: string[];
  /** How long the request waited for admission webhooks so far. */
  readonly waits: { webhookMs: number };
}

export function restRequest(
  request: ApiRequest,
  { catalog, schemas }: Pick<RestDeps, 'catalog' | 'schemas'>,
  route: ResourceRoute,
): RestRequest {
  return { request, catalog, schemas, route, query: queryOf(request), warnings: [], waits: { webhookMs: 0 } };
}

/**
 * Structure by schema, in place: wrong types always fail, unknown and duplicate fields as the client chose. `source` is the
 * text the object was read from. @throws BadRequest
 */
export function checkStructure(rest: RestRequest, kind: Kind, object: KubeObject, source?: SourceText): void {
  warn(rest, validateStructure(rest.schemas.of(kind), kind, object, writeOptions(rest).fieldValidation, source));
}

/** Adds texts of Warning headers, each once. */
export function warn({ warnings }: RestRequest, texts: readonly string[]): void {
  for (const text of texts) if (!warnings.includes(text)) warnings.push(text);
}

/** The object in the body of a write. @throws BadRequest, Invalid, StatusError */
export async function readObject(rest: RestRequest, kind: Kind): Promise<KubeObject> {
  return parseObject(rest, kind, await readBody(rest, kind));
}

/** The body of a write; wrong options are reported before a wrong body. @throws BadRequest, Invalid, StatusError */
export async function readBody(rest: RestRequest, kind: Kind): Promise<Buffer> {
  const body = await rest.request.body().catch((err: unknown) => {
    if (!(err instanceof UnreadableYaml)) throw err;
    writeOptions(rest);
    // Upstream has this prefix only in errors of an apply.
    const message = err.message.replace('error converting YAML to JSON: ', '');
    throw unrecognized(kind, new BadRequest(message), err.yaml);
  });
  writeOptions(rest);
  return body;
}

/** A fresh object of `kind` each time. @throws BadRequest, StatusError */
export function parseObject(rest: RestRequest, kind: Kind, body: Buffer): KubeObject {
  const { object, ...source } = decodeObject(rest, body, header(rest.request.headers, 'content-type'), kind);
  rest.request.audit?.sent(object);
  checkStructure(rest, kind, object, source);
  return object;
}

export function objectReply(json: Buffer, status: number): FullReply {
  return { status, type: 'application/json', body: json };
}

export function protobufReply(body: Buffer, status: number): FullReply {
  return { status, type: protobufType, body };
}
