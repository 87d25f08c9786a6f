// The objects with parameters that a binding names: one evaluation of the policy for each.

import type { ParamKind, ParamRef } from '../../api/admission-policies/types';
import type { Catalog } from '../../api/catalog';
import { isStored, type Kind } from '../../api/kind';
import { matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import { versionsOf } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { type Steps, settled } from '../../base/steps';
import type { Cache, CachedObject } from '../cache/cache';

/** Why a policy or a binding cannot be used. */
export class ConfigurationError extends Error {}

/** @throws ConfigurationError for a kind that is not served */
export function paramKindOf(catalog: Catalog, { apiVersion = '', kind = '' }: ParamKind): Kind {
  const found = catalog.byKind(apiVersion, kind);
  if (found && isStored(found)) return found;
  const gvk = `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${gvk}'`);
}

export interface Params {
  /** Undefined: `params` is null. */
  readonly object: KubeObject | undefined;
  /** Units of the request's budget: the object is converted for its evaluation. */
  readonly cost: number;
}

const none: readonly Params[] = [{ object: undefined, cost: 0 }];
const costPerObject = 50;
const bytesPerUnit = 50;

/**
 * The parameters for a request in this namespace. Empty: the policy does not apply.
 * @throws ConfigurationError, ConversionFailed
 */
export function* collectParams(
  cache: Cache,
  kind: Kind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): Steps<readonly Params[]> {
  // A policy without parameters ignores those of a binding; with a binding without parameters, `params` is null.
  if (!kind || !ref) return none;
  const { name = '', namespace: named = '', selector, parameterNotFoundAction } = ref;
  if (!kind.namespaced && named !== '') {
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const namespace = kind.namespaced ? named || requestNamespace : '';
  if (kind.namespaced && namespace === '') {
    throw new ConfigurationError(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  }
  const found = yield* name === '' ? selected(cache, kind, namespace, selector) : one(cache, kind, namespace, name);
  if (found.length === 0 && parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

function* one(cache: Cache, kind: Kind, namespace: string, name: string): Steps<readonly Params[]> {
  const found = yield* settled(cache.kind(kind).read(namespace === '' ? name : `${namespace}/${name}`));
  return found ? [paramsOf(kind, found)] : [];
}

function* selected(
  cache: Cache,
  kind: Kind,
  namespace: string,
  labelSelector: ParamRef['selector'],
): Steps<readonly Params[]> {
  const selector = selectorFromLabelSelector(labelSelector) ?? [];
  const filter = {
    ...(namespace !== '' && { namespace }),
    matches: (object: KubeObject) => matchesSelector(selector, object.metadata?.labels),
  };
  const objects = cache.kind(kind);
  const found = versionsOf(kind) ? (yield* settled(objects.list(filter))).items : objects.current(filter);
  return found.map((cached) => paramsOf(kind, cached));
}

const paramsOf = (kind: Kind, { object, json }: CachedObject): Params => ({
  object: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
  cost: costPerObject + json.length / bytesPerUnit,
});
