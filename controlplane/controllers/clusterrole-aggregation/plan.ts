// Which rules an aggregated ClusterRole has. Pure. Source: "Aggregated ClusterRoles" in the RBAC reference.
import { type ClusterRole, matchesSelector, selectorFromLabelSelector } from '../../api/index';
import type { PolicyRule } from '../../api/rbac';

/**
 * The rules that `role` must get; undefined when it has them, or has no aggregationRule. They stand in the order of the selectors, for
 * each selector in the order of the names of the roles that it matches, and only once. So the same roles always give the same list.
 */
export function planRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined;
  const others = all.filter((other) => nameOf(other) !== nameOf(role)).sort(byName);
  // Keys instead of comparisons in pairs: users may write thousands of rules, and the time must grow with their number only.
  const rules = new Map<string, PolicyRule>();
  for (const labelSelector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const selector = selectorFromLabelSelector(labelSelector);
    if (!selector) continue;
    for (const other of others) {
      if (!matchesSelector(selector, other.metadata?.labels)) continue;
      for (const rule of other.rules ?? []) {
        const key = ruleKey(rule);
        if (!rules.has(key)) rules.set(key, rule);
      }
    }
  }
  const before = (role.rules ?? []).map(ruleKey);
  const after = [...rules.keys()];
  const isSame = before.length === after.length && before.every((key, i) => key === after[i]);
  return isSame ? undefined : [...rules.values()];
}

const nameOf = ({ metadata }: ClusterRole): string => metadata?.name ?? '';
const byName = (a: ClusterRole, b: ClusterRole): number => (nameOf(a) < nameOf(b) ? -1 : 1);

/** Equal for equal rules. An absent list is an empty one; the order of a list counts, as upstream. */
const ruleKey = ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string =>
  JSON.stringify([verbs, apiGroups, resources, resourceNames, nonResourceURLs].map((list) => list ?? []));
