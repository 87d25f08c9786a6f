// What the verbs need: the parts of the server behind them, and the request in front of them.
import type { Kind } from '../../api/kind';
import { findDuplicateFields } from '../../api/schema/duplicates';
import { validateStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { validateObjectMeta } from '../../api/validation/metadata';
import type { Clock } from '../../base/clock';
import type { FieldCause } from '../../base/errors';
import type { Admission } from '../admission/admission';
import type { Authorizer } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import type { ApiRequest, FullReply } from '../request';
import { queryOf } from '../request';
import type { ResourceRoute } from '../route';
import { invalid } from '../status';
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
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly warnings: string[];
}

export function restRequest(request: ApiRequest, route: ResourceRoute): RestRequest {
  return { request, route, query: queryOf(request), warnings: [] };
}

/**
 * Structure by schema, in place: wrong types always fail, unknown and duplicate fields as the client chose. `body` is the
 * text the object was read from, absent for the outcome of a patch. @throws BadRequest
 */
export function checkStructure(rest: RestRequest, kind: Kind, object: KubeObject, body?: Buffer): void {
  const mode = writeOptions(rest).fieldValidation;
  // Only JSON can hold a field twice without its parser noticing.
  const isJson = body?.[0] === openingBrace;
  const duplicates = body && isJson && mode !== 'Ignore' ? findDuplicateFields(body.toString()) : [];
  for (const text of validateStructure(kind, object, mode, duplicates)) {
    if (!rest.warnings.includes(text)) rest.warnings.push(text);
  }
}

const openingBrace = 0x7b;

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
