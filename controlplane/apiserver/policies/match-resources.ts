// Which requests a policy or a binding is for. What depends on the kind, the operation and the subresource only is computed once; names
// and labels are compared for each request.
import type { MatchResources, PolicyRule } from '../../api/admission-policies/types';
import type { Catalog } from '../../api/catalog';
import { type Kind, subresourceOf } from '../../api/kind';
import type { Cache } from '../cache/cache';
import type { AdmittedForm } from '../webhooks/admitted';
import { ruleMatches } from '../webhooks/match-rule';
import { type Selectors, selectorsMatch, selectorsOf } from '../webhooks/select';
import type { Operation, Write } from '../write/rule';

export interface Target {
  readonly kind: Kind;
  readonly operation: Operation;
  readonly subresource: string;
}

/** A rule that matches a target. */
interface Rule {
  /** Undefined: all names. */
  readonly names: ReadonlySet<string> | undefined;
  /** The kind in whose form the object is seen. */
  readonly seen: Kind;
}

export interface TargetMatch {
  readonly selectors: Selectors;
  readonly rules: readonly Rule[];
  readonly excludes: readonly Rule[];
}

/** Undefined when no request for the target can match. A binding without rules matches all requests of its policy. */
export function matchTarget(
  catalog: Catalog,
  { resourceRules = [], excludeResourceRules = [], matchPolicy, ...selectors }: MatchResources,
  target: Target,
  withoutRules: 'all' | 'none',
): TargetMatch | undefined {
  const isExact = matchPolicy === 'Exact';
  const excludes = matching(catalog, excludeResourceRules, isExact, target);
  const rules =
    resourceRules.length === 0 && withoutRules === 'all'
      ? [{ names: undefined, seen: target.kind }]
      : matching(catalog, resourceRules, isExact, target);
  if (rules.length === 0 || excludes.some(({ names }) => names === undefined)) return undefined;
  return { selectors: selectorsOf(selectors), rules, excludes };
}

/** The kind in whose form the object is seen; undefined when the request does not match. @throws NotFound for the namespace */
export function matchWrite(
  { selectors, rules, excludes }: TargetMatch,
  write: Write,
  form: AdmittedForm,
  cache: Cache,
): Kind | undefined {
  const name = write.name || (write.object?.metadata?.name ?? '');
  const has = ({ names }: Rule) => names === undefined || names.has(name);
  if (excludes.some(has)) return undefined;
  const seen = rules.find(has)?.seen;
  return seen && selectorsMatch(selectors, write, form, cache) ? seen : undefined;
}

/** Rules that name the kind itself come first; then those that name the same objects in another version or group. */
function matching(catalog: Catalog, rules: readonly PolicyRule[], isExact: boolean, target: Target): readonly Rule[] {
  const { kind, subresource } = target;
  const direct = rules.filter((rule) => ruleMatches(rule, target)).map((rule) => ruleOf(rule, kind));
  if (isExact) return direct;
  const others = catalog
    .kinds()
    .filter((one) => one !== kind && one.prefix === kind.prefix)
    .filter((one) => subresource === '' || subresourceOf(one, subresource) !== undefined);
  const equivalent = rules.flatMap((rule) =>
    others.filter((one) => ruleMatches(rule, { ...target, kind: one })).map((one) => ruleOf(rule, one)),
  );
  return [...direct, ...equivalent];
}

const ruleOf = ({ resourceNames = [] }: PolicyRule, seen: Kind): Rule => ({
  names: resourceNames.length === 0 ? undefined : new Set(resourceNames),
  seen,
});
