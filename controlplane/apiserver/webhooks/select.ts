// Whether a webhook whose rules match is called: by the labels of the request's namespace and of the object, and by its conditions.
import { namespaces } from '../../api/namespace';
import { matchesSelector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import type { Cache } from '../cache/cache';
import { notFound } from '../status';
import type { Write } from '../write/rule';
import { type AdmittedForm, namespaceOf } from './admitted';
import { conditionsMatch } from './match-conditions';
import { requestOptions } from './request-options';
import { reviewHead } from './review';
import type { Candidate, IndexedWebhook } from './webhook-index';

/** @throws NotFound when the namespace of the request does not exist; Forbidden when a condition fails */
export function selects({ hook, kind }: Candidate, write: Write, form: AdmittedForm, cache: Cache): boolean {
  if (!selectsNamespace(hook, write, cache) || !selectsObject(hook, form)) return false;
  const { conditions, webhook } = hook;
  if (conditions.length === 0) return true;
  const options = requestOptions(write);
  const head = { ...reviewHead(write, kind, form.kind), ...(options && { options }) };
  return conditionsMatch(conditions, webhook.failurePolicy === 'Ignore', write, form, head);
}

/** A Namespace that is written has the labels that it will have; other cluster-scoped objects are in every selector. */
function selectsNamespace({ namespaces: selector }: IndexedWebhook, write: Write, cache: Cache): boolean {
  if (selector.length === 0) return true;
  const { kind, subresource, object } = write;
  const itself = kind.prefix === namespaces.prefix;
  if (itself && subresource === '' && object) return matchesSelector(selector, object.metadata?.labels);
  if (!itself && !kind.namespaced) return true;
  const name = namespaceOf(write);
  const found = cache.kind(namespaces).get(name)?.object;
  if (!found) throw notFound(namespaces, name);
  return matchesSelector(selector, found.metadata?.labels);
}

/** Either state is enough: so no webhook is avoided by a change of labels. Options of exec and the like have no labels. */
function selectsObject({ objects: selector }: IndexedWebhook, { object, old }: AdmittedForm): boolean {
  if (selector.length === 0) return true;
  const matches = (one: KubeObject | undefined) =>
    one?.metadata !== undefined && matchesSelector(selector, one.metadata.labels);
  return matches(object) || matches(old);
}
