// PUT of a missing object: it is created where the kind allows that, by the rules of a creation.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { type AppError, BadRequest, isNotFound } from '../../base/errors';
import { deniedResource } from '../authz/authorizer';
import type { CachedObject } from '../cache/cache';
import { conflict, notFound } from '../status';
import type { RestDeps, RestRequest } from './context';
import { create } from './create';
import { mergeOwnerReferences } from './metadata';

/**
 * @throws NotFound when the kind does not allow it, Conflict when the writer means an object that existed before, Forbidden when
 * the user may update but not create
 */
export async function createByUpdate(
  deps: RestDeps,
  rest: RestRequest,
  object: KubeObject,
  dryRun: boolean,
): Promise<CachedObject> {
  const { request, route, warnings } = rest;
  const { kind, namespace, name, subresource } = route;
  checkName(name, object);
  if (!kind.options.createOnUpdate) throw notFound(kind, name);
  const uid = object.metadata?.uid;
  if (uid) throw otherUid(kind, name, uid, undefined);
  const attributes = { verb: 'create', group: kind.group, resource: kind.plural, subresource, namespace, name };
  await deps.authorizer.prepare?.(request.user, attributes);
  if (!deps.authorizer.allowsResource(request.user, attributes))
    throw deniedResource(deps.authorizer, request.user, attributes, kind);
  object.metadata = { ...object.metadata, name };
  // Upstream ignores the revision of an object that no longer exists; only the uid says which object the writer means.
  delete object.metadata.resourceVersion;
  mergeOwnerReferences(object, warnings);
  return create(deps, rest, kind, object, { dryRun });
}

/** @throws BadRequest when the body names another object than the path, or none */
export function checkName(name: string, { metadata }: KubeObject): void {
  const given = metadata?.name ?? '';
  if (given === name) return;
  throw new BadRequest(
    given === ''
      ? `the name of the object (${name} based on URL) was undeterminable: name must be provided`
      : `the name of the object (${given}) does not match the name on the URL (${name})`,
  );
}

/** The writer means the object with this uid. */
export const otherUid = (kind: Kind, name: string, asked: string, found: string | undefined): AppError =>
  conflict(kind, name, `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found ?? ''}`);

/** True when the object of the request is missing. False for a missing namespace, which no retry creates. */
export const isMissing = (err: unknown, { route }: RestRequest): boolean =>
  isNotFound(err) && err.details['kind'] === route.kind.plural && err.details['name'] === route.name;
