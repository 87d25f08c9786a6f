// Whether a webhook whose rules match is called: by the labels of the request's namespace and of the object, and by its conditions.
import { namespaces } from '../../api/namespace';
import { matchesSelector, type Selector, selectorFromLabelSelector } from '../../api/selector';
import type { KubeObject, LabelSelector } from '../../api/types';
import type { Cache } from '../cache/cache';
import { notFound } from '../status';
import type { RuleDeps, Write } from '../write/rule';
import { type AdmittedForm, namespaceOf } from './admitted';
import { conditionsMatch } from './match-conditions';
import type { Candidate } from './webhook-index';

/** `form` is what the webhook would see. @throws Forbidden when a condition fails */
export const meetsConditions = (
  candidate: Candidate,
  write: Write,
  form: AdmittedForm,
  deps: Pick<RuleDeps, 'cache' | 'authorizer'>,
): boolean => candidate.hook.conditions.length === 0 || conditionsMatch(candidate, write, form, deps);

/** The selectors of a webhook, a policy or a binding. */
export interface Selectors {
  readonly namespaces: Selector;
  readonly objects: Selector;
}

/** An absent selector is the empty one: both match everything. */
export const selectorsOf = ({
  namespaceSelector,
  objectSelector,
}: {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}): Selectors => ({
  namespaces: selectorFromLabelSelector(namespaceSelector) ?? [],
  objects: selectorFromLabelSelector(objectSelector) ?? [],
});

/** `form` is that of the request itself, as upstream. @throws NotFound when the namespace of the request does not exist */
export const selectorsMatch = (selectors: Selectors, write: Write, form: AdmittedForm, cache: Cache): boolean =>
  selectsNamespace(selectors, write, cache) && selectsObject(selectors, form);

/** A Namespace that is written has the labels that it will have; other cluster-scoped objects are in every selector. */
function selectsNamespace({ namespaces: selector }: Selectors, write: Write, cache: Cache): boolean {
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
function selectsObject({ objects: selector }: Selectors, { object, old }: AdmittedForm): boolean {
  if (selector.length === 0) return true;
  const matches = (one: KubeObject | undefined) =>
    one?.metadata !== undefined && matchesSelector(selector, one.metadata.labels);
  return matches(object) || matches(old);
}
