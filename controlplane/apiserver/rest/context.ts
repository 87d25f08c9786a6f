// What the verbs need: the parts of the server behind them, and the request in front of them.
import type { Kind } from '../../api/kind';
import type { SchemaSet } from '../../api/schema/schema-set';
import { validateStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { validateObjectMeta } from '../../api/validation/metadata';
import type { Clock } from '../../base/clock';
import { BadRequest, type FieldCause } from '../../base/errors';
import type { Admission } from '../admission/admission';
import type { Authorizer } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import type { ApiRequest, FullReply } from '../request';
import { header, queryOf } from '../request';
import type { ResourceRoute } from '../route';
import { invalid } from '../status';
import { UnreadableYaml } from '../yaml/converter';
import { decodeObject, unrecognized } from './decode';
import type { ListBytes } from './list-bytes';
import { writeOptions } from './write-options';

/** Values that must be unique over the cluster, e.g. cluster IPs. */
export interface Reservation {
  /** Gives everything back: the write failed, or was a rehearsal. */
  undo(): void;
}
/** What one kind does beside the general rules of a write. */
export interface WriteHook {
  /** Carries over what the server had given; runs before validation. */
  readonly prepare?: (object: KubeObject, old: KubeObject | undefined) => void;
  /** Runs after validation, right before the write, in the same synchronous stretch. @throws Invalid */
  readonly reserve?: (object: KubeObject, old: KubeObject | undefined) => Reservation;
}

export interface RestDeps {
  readonly schemas: SchemaSet;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly admission: Admission;
  readonly authorizer: Authorizer;
  readonly lists: ListBytes;
  /** By kind's storage prefix. */
  readonly hooks: ReadonlyMap<string, WriteHook>;
}

/** One request for a resource. */
export interface RestRequest {
  readonly request: ApiRequest;
  readonly schemas: SchemaSet;
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly warnings: string[];
}

export function restRequest(request: ApiRequest, schemas: SchemaSet, route: ResourceRoute): RestRequest {
  return { request, schemas, route, query: queryOf(request), warnings: [] };
}

/**
 * Structure by schema, in place: wrong types always fail, unknown and duplicate fields as the client chose. `json` is the
 * text the object was read from. @throws BadRequest
 */
export function checkStructure(rest: RestRequest, kind: Kind, object: KubeObject, json?: string): void {
  warn(rest, validateStructure(rest.schemas.of(kind), kind, object, writeOptions(rest).fieldValidation, json));
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
    // Only an apply is converted by the call whose errors begin with these words.
    const message = err.message.replace('error converting YAML to JSON: ', '');
    throw unrecognized(kind, new BadRequest(message), err.yaml);
  });
  writeOptions(rest);
  return body;
}

/** A fresh object of `kind` each time. @throws BadRequest, StatusError */
export function parseObject(rest: RestRequest, kind: Kind, body: Buffer): KubeObject {
  const { object, json } = decodeObject(rest.schemas, body, header(rest.request.headers, 'content-type'), kind);
  checkStructure(rest, kind, object, json);
  return object;
}

/** Metadata rules, then the kind's own. @throws Invalid */
export function checkFields(
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
  extra: readonly FieldCause[] = [],
): void {
  const context = { ...(old ? { old } : {}), subresource };
  const causes = [
    ...extra,
    ...validateObjectMeta(kind, object, context),
    ...(kind.options.validate?.(object, context) ?? []),
  ];
  if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? '', causes);
}

export function objectReply(json: Buffer, status: number): FullReply {
  return { status, type: 'application/json', body: json };
}
