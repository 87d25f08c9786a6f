// Which FlowSchema a request belongs to: the first that matches, by precedence and name. Pure. Source: the page "API Priority and
// Fairness", and the rules of kube-apiserver for what a request is (its verb, resource with subresource, or path).
import type { FlowSchema } from '../../api/index';
import type { UserInfo } from '../request';
import type { ResourceRoute } from '../route';

type Rule = NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number];
type Subject = Rule['subjects'][number];
type ResourceRule = NonNullable<Rule['resourceRules']>[number];
type PathRule = NonNullable<Rule['nonResourceRules']>[number];

/** A request about a resource, or the verb and path of another one. */
export type Asked = Pick<ResourceRoute, 'verb' | 'kind' | 'subresource' | 'namespace'> | PathAsked;
interface PathAsked {
  readonly verb: string;
  readonly path: string;
}

/** The smallest number first; of equal ones the first name. */
export const inOrder = (schemas: readonly FlowSchema[]): readonly FlowSchema[] =>
  schemas.toSorted((a, b) => precedence(a) - precedence(b) || (nameOf(a) < nameOf(b) ? -1 : 1));

const precedence = ({ spec }: FlowSchema): number => spec?.matchingPrecedence ?? 0;
const nameOf = ({ metadata }: FlowSchema): string => metadata?.name ?? '';

/** The rules of the schema that can match requests of the user. */
export const rulesFor = ({ spec }: FlowSchema, user: UserInfo): readonly Rule[] =>
  (spec?.rules ?? []).filter(({ subjects }) => subjects.some((subject) => matchesSubject(user, subject)));

const accountPrefix = 'system:serviceaccount:';

function matchesSubject({ name, groups }: UserInfo, { user, group, serviceAccount }: Subject): boolean {
  if (user) return user.name === '*' || user.name === name;
  if (group) return group.name === '*' || groups.includes(group.name);
  if (!serviceAccount) return false;
  const all = `${accountPrefix}${serviceAccount.namespace}:`;
  return serviceAccount.name === '*' ? name.startsWith(all) : name === all + serviceAccount.name;
}

/** True for rules that match every request, which is the case of most: it saves the look at the request. */
export const matchesAll = (rules: readonly Rule[]): boolean =>
  rules.some(
    ({ resourceRules = [], nonResourceRules = [] }) =>
      resourceRules.some(
        ({ verbs, apiGroups, resources, namespaces = [], clusterScope }) =>
          clusterScope === true && [verbs, apiGroups, resources, namespaces].every(isStar),
      ) && nonResourceRules.some(({ verbs, nonResourceURLs }) => isStar(verbs) && nonResourceURLs.includes('*')),
  );

export function matchesRules(rules: readonly Rule[], asked: Asked): boolean {
  if ('path' in asked) {
    return rules.some(({ nonResourceRules = [] }) => nonResourceRules.some((one) => onPath(one, asked)));
  }
  const { kind, subresource } = asked;
  const resource = subresource === '' ? kind.plural : `${kind.plural}/${subresource}`;
  return rules.some(({ resourceRules = [] }) => resourceRules.some((one) => onResource(one, asked, resource)));
}

/** The API allows nothing next to a star. */
const isStar = (list: readonly string[]): boolean => list[0] === '*';
const contains = (list: readonly string[], text: string): boolean => isStar(list) || list.includes(text);

function onResource(
  { verbs, resources, apiGroups, namespaces = [], clusterScope }: ResourceRule,
  { verb, kind, namespace }: Exclude<Asked, PathAsked>,
  resource: string,
): boolean {
  if (!contains(verbs, verb) || !contains(resources, resource) || !contains(apiGroups, kind.group)) return false;
  return namespace === '' ? clusterScope === true : contains(namespaces, namespace);
}

const onPath = ({ verbs, nonResourceURLs }: PathRule, { verb, path }: PathAsked): boolean =>
  contains(verbs, verb) && nonResourceURLs.some((url) => url === '*' || url === path || path.startsWith(folderOf(url)));

/** A path without a star stands for all below it, too. */
function folderOf(url: string): string {
  const prefix = url.endsWith('*') ? url.slice(0, -1) : url;
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}
