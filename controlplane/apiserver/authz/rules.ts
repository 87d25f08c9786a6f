// One RBAC rule against one request, and one rule against another (escalation). Pure.
import type { ClusterRole } from '../../api/cluster-role';
import { TooLarge } from '../../base/errors';
import type { ResourceAttributes } from './authorizer';

export type PolicyRule = NonNullable<ClusterRole['rules']>[number];

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes('*'));

export function ruleAllowsResource(rule: PolicyRule, attributes: ResourceAttributes): boolean {
  const { verb, group, resource, subresource, name, selectedName } = attributes;
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  if (!coversResource(rule.resources, resource, subresource)) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(name !== '' ? name : (selectedName ?? ''));
}

function coversResource(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!resources) return false;
  const asked = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (entry) => entry === '*' || entry === asked || (subresource !== '' && entry === `*/${subresource}`),
  );
}

export function ruleAllowsPath(rule: PolicyRule, verb: string, path: string): boolean {
  return has(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path));
}

/** A trailing star covers everything below; any other star is an ordinary character. */
function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

/** A bound: lists of a few hundred entries each give millions of single permissions. */
const maxSingles = 5_000;

/**
 * Each single permission of `wanted` must be in some rule of `held`; returns the single permissions that are not.
 * @throws TooLarge when there are too many to compare
 */
export function rulesNotCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const open = wanted.map(withoutRepeats).filter((rule) => !held.some((one) => coversWhole(one, rule)));
  const singles = open.reduce((sum, rule) => sum + countSingles(rule), 0);
  if (singles > maxSingles) {
    throw new TooLarge(
      `the rules combine to ${singles} permissions that no single rule of yours covers; at most ${maxSingles} are compared, so write fewer at a time`,
    );
  }
  return open.flatMap(splitRule).filter((single) => !held.some((rule) => coversSingle(rule, single)));
}

const withoutRepeats = (rule: PolicyRule): PolicyRule => {
  const once = (list: readonly string[] | undefined) => (list ? { list: [...new Set(list)] } : undefined);
  const [groups, resources, names, urls] = [
    once(rule.apiGroups),
    once(rule.resources),
    once(rule.resourceNames),
    once(rule.nonResourceURLs),
  ];
  return {
    verbs: [...new Set(rule.verbs ?? [])],
    ...(groups ? { apiGroups: groups.list } : {}),
    ...(resources ? { resources: resources.list } : {}),
    ...(names ? { resourceNames: names.list } : {}),
    ...(urls ? { nonResourceURLs: urls.list } : {}),
  };
};

function countSingles({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  return (
    verbs.length * (nonResourceURLs.length + apiGroups.length * resources.length * Math.max(1, resourceNames.length))
  );
}

/** Whether the rule `held` alone allows all that `wanted` allows; the time grows only with the length of their lists. */
function coversWhole(held: PolicyRule, wanted: PolicyRule): boolean {
  const all = (list: readonly string[] | undefined, wantedList: readonly string[] = []) => {
    const set = new Set(list);
    return set.has('*') || wantedList.every((value) => set.has(value));
  };
  if ((wanted.nonResourceURLs?.length ?? 0) > 0 || !all(held.verbs, wanted.verbs)) return false;
  if (!all(held.apiGroups, wanted.apiGroups) || !all(held.resources, wanted.resources)) return false;
  const names = new Set(held.resourceNames);
  return names.size === 0 || (!!wanted.resourceNames?.length && wanted.resourceNames.every((name) => names.has(name)));
}

function splitRule(rule: PolicyRule): PolicyRule[] {
  const single: PolicyRule[] = [];
  // Validation, which requires verbs, runs later.
  for (const verb of rule.verbs ?? []) {
    for (const url of rule.nonResourceURLs ?? []) single.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) single.push(base);
        for (const name of names) single.push({ ...base, resourceNames: [name] });
      }
    }
  }
  return single;
}

function coversSingle(rule: PolicyRule, single: PolicyRule): boolean {
  const verb = single.verbs[0]!;
  if (!has(rule.verbs, verb)) return false;
  const url = single.nonResourceURLs?.[0];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, url));
  const [resource = '', subresource = ''] = (single.resources?.[0] ?? '').split('/');
  if (!has(rule.apiGroups, single.apiGroups?.[0] ?? '') || !coversResource(rule.resources, resource, subresource)) {
    return false;
  }
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(single.resourceNames?.[0] ?? '');
}

/** Single permissions grouped by resource, as error messages print them; sorted. */
export function formatRules(singles: readonly PolicyRule[]): string[] {
  const verbs = new Map<string, string[]>();
  const paths: string[] = [];
  for (const single of singles) {
    const parts = [
      formatList('APIGroups', single.apiGroups),
      formatList('Resources', single.resources),
      formatList('NonResourceURLs', single.nonResourceURLs),
      formatList('ResourceNames', single.resourceNames),
    ];
    const subject = parts.filter((part) => part !== '').join(', ');
    // As upstream: permissions for paths stay single.
    if (single.nonResourceURLs) {
      paths.push(`{${subject}, ${formatList('Verbs', single.verbs)}}`);
      continue;
    }
    const known = verbs.get(subject);
    if (known) known.push(...single.verbs);
    else verbs.set(subject, [...single.verbs]);
  }
  const resources = [...verbs].map(([subject, list]) => `{${subject}, ${formatList('Verbs', list)}}`);
  return [...resources, ...paths].sort();
}

function formatList(name: string, values: readonly string[] | undefined): string {
  if (!values || values.length === 0) return '';
  return `${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
