// Field rules of the rules of FlowSchemas: whose requests, and which.
import type { V1PolicyRulesWithSubjects } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import type { Wire } from '../types';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Label, dns1123Subdomain } from '../validation/names';

type Rules = Wire<V1PolicyRulesWithSubjects>;
type Subject = NonNullable<Rules['subjects']>[number];
type ResourceRule = NonNullable<Rules['resourceRules']>[number];
type PathRule = NonNullable<Rules['nonResourceRules']>[number];

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const fieldOfKind = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;
type SubjectKind = keyof typeof fieldOfKind;
const kinds = Object.keys(fieldOfKind) as SubjectKind[];

export function validateRules(rules: Rules, field: string): FieldCause[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rules;
  const none = 'at least one of resourceRules and nonResourceRules has to be non-empty';
  return [
    ...(subjects.length === 0 ? [required(`${field}.subjects`, 'subjects must contain at least one value')] : []),
    ...subjects.flatMap((subject, i) => validateSubject(subject, `${field}.subjects[${i}]`)),
    ...(resourceRules.length + nonResourceRules.length === 0 ? [required(field, none)] : []),
    ...resourceRules.flatMap((rule, i) => validateResourceRule(rule, `${field}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((rule, i) => validatePathRule(rule, `${field}.nonResourceRules[${i}]`)),
  ];
}

function validateSubject(subject: Subject, field: string): FieldCause[] {
  const kind = kinds.find((one) => one === subject.kind);
  if (!kind) return [notSupported(`${field}.kind`, subject.kind ?? '', kinds)];
  const key = fieldOfKind[kind];
  const own = subject[key];
  const others = (['ServiceAccount', 'User', 'Group'] as const)
    .filter((other) => other !== kind && subject[fieldOfKind[other]])
    .map((other) => {
      const name = fieldOfKind[other];
      return forbidden(`${field}.${name}`, `${name} is forbidden when subject kind is not '${other}'`);
    });
  if (!own) return [required(`${field}.${key}`, `${key} is required when subject kind is '${kind}'`), ...others];
  const { name = '' } = own;
  const at = `${field}.${key}.name`;
  return [
    ...(name === '' ? [required(at)] : []),
    ...(kind === 'ServiceAccount' && name !== '' && name !== '*' ? invalidEach(at, name, dns1123Subdomain(name)) : []),
    ...(kind === 'ServiceAccount' ? namespaceOf(subject, `${field}.serviceAccount.namespace`) : []),
    ...others,
  ];
}

function namespaceOf({ serviceAccount }: Subject, field: string): FieldCause[] {
  const { namespace = '' } = serviceAccount ?? {};
  if (namespace === '') return [required(field, 'must specify namespace for service account')];
  return invalidEach(field, namespace, dns1123Label(namespace));
}

/** `*` stands alone. */
const star = (values: readonly string[], field: string, what: string): FieldCause[] =>
  values.length > 1 && values.includes('*')
    ? [invalid(field, values, `if '*' is present, must not specify other ${what}`)]
    : [];

function validateVerbs(values: readonly string[], field: string): FieldCause[] {
  if (values.length === 0) return [required(field, 'verbs must contain at least one value')];
  if (values.includes('*')) return star(values, field, 'verbs');
  return values.every((verb) => verbs.includes(verb)) ? [] : [notSupported(field, values, verbs)];
}

function validateResourceRule(rule: ResourceRule, field: string): FieldCause[] {
  const { verbs: asked = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  const intro = "each member of this list must be '*' or a DNS-1123 label; ";
  const missing = (what: string) => `resource rules must supply at least one ${what}`;
  const noNamespace = 'resource rules that are not cluster scoped must supply at least one namespace';
  return [
    ...validateVerbs(asked, `${field}.verbs`),
    ...(apiGroups.length === 0
      ? [required(`${field}.apiGroups`, missing('api group'))]
      : star(apiGroups, `${field}.apiGroups`, 'api groups')),
    ...(resources.length === 0
      ? [required(`${field}.resources`, missing('resource'))]
      : star(resources, `${field}.resources`, 'resources')),
    ...(namespaces.length === 0 && !clusterScope ? [required(`${field}.namespaces`, noNamespace)] : []),
    ...(namespaces.includes('*')
      ? star(namespaces, `${field}.namespaces`, 'namespaces')
      : namespaces.flatMap((name, i) =>
          dns1123Label(name).map((why) => invalid(`${field}.namespaces[${i}]`, name, intro + why)),
        )),
  ];
}

function validatePathRule({ verbs: asked = [], nonResourceURLs: urls = [] }: PathRule, field: string): FieldCause[] {
  const at = `${field}.nonResourceURLs`;
  return [
    ...validateVerbs(asked, `${field}.verbs`),
    ...(urls.length === 0
      ? [required(at, 'nonResourceURLs must contain at least one value')]
      : urls.includes('*')
        ? star(urls, at, 'non-resource URLs')
        : urls.flatMap((url, i) => validateUrl(url, `${at}[${i}]`))),
  ];
}

function validateUrl(path: string, field: string): FieldCause[] {
  if (path === '') return [invalid(field, path, 'must not be empty')];
  if (path === '/') return [];
  if (!path.startsWith('/')) return [invalid(field, path, 'must start with slash')];
  if (path.includes(' ')) return [invalid(field, path, 'must not contain white-space')];
  if (path.includes('//')) return [invalid(field, path, 'must not contain double slash')];
  const wild = path.indexOf('*');
  if (wild < 0 || (wild === path.length - 1 && path.endsWith('/*'))) return [];
  return [invalid(field, path, 'wildcard can only do suffix matching')];
}
