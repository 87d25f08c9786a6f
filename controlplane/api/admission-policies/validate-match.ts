// The field rules of what a policy or a binding matches, of match conditions and of parameters: upstream's checks and messages.
import type { FieldCause } from '../../base/errors';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required, tooMany } from '../validation/causes';
import { dns1035Label, dns1123Subdomain, pathSegment, qualifiedName } from '../validation/names';
import { oneOf, validateLabelSelector } from '../validation/selectors';
import { validateWebhookRule } from '../webhooks/validate-rule';
import type { MatchResources, ParamKind, ParamRef, PolicyMatchCondition, PolicyRule } from './types';

const matchPolicies = ['Equivalent', 'Exact'];
const notFoundActions = ['Deny', 'Allow'];
const maxConditions = 64;

export function validateMatchResources(match: MatchResources | undefined, at: string): FieldCause[] {
  if (!match) return [];
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...oneOf(`${at}.matchPolicy`, matchPolicy, matchPolicies),
    ...validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${at}.objectSelector`),
    ...resourceRules.flatMap((rule, i) => validateRule(rule, `${at}.resourceRules[${i}]`)),
    ...excludeResourceRules.flatMap((rule, i) => validateRule(rule, `${at}.excludeResourceRules[${i}]`)),
  ];
}

function validateRule(rule: PolicyRule, at: string): FieldCause[] {
  const known = new Set<string>();
  const names = (rule.resourceNames ?? []).flatMap((name, i) => {
    const field = `${at}.resourceNames[${i}]`;
    const again = known.has(name) ? [duplicate(field, name)] : [];
    known.add(name);
    return [...invalidEach(field, name, pathSegment(name)), ...again];
  });
  return [...names, ...validateWebhookRule(rule, at)];
}

/** The expressions themselves are checked by the write rule AdmissionPolicies. */
export function validateMatchConditions(conditions: readonly PolicyMatchCondition[], at: string): FieldCause[] {
  const names = new Set<string>();
  const causes = conditions.flatMap(({ name = '', expression = '' }, i) => {
    const repeated = name !== '' && names.has(name);
    names.add(name);
    return [
      ...(expression.trim() === '' ? [required(`${at}[${i}].expression`)] : []),
      ...(name === '' ? [required(`${at}[${i}].name`)] : invalidEach(`${at}[${i}].name`, name, qualifiedName(name))),
      ...(repeated ? [duplicate(`${at}[${i}].name`, name)] : []),
    ];
  });
  return [...(conditions.length > maxConditions ? [tooMany(at, conditions.length, maxConditions)] : []), ...causes];
}

export function validateParamKind(paramKind: ParamKind | undefined, at: string): FieldCause[] {
  if (!paramKind) return [];
  const { apiVersion = '', kind = '' } = paramKind;
  const wrongKind = dns1035Label(kind.toLowerCase());
  return [
    ...validateApiVersion(apiVersion, `${at}.apiVersion`),
    ...(kind === ''
      ? [required(`${at}.kind`)]
      : wrongKind.length === 0
        ? []
        : [invalid(`${at}.kind`, kind, `may have mixed case, but should otherwise match: ${wrongKind.join(',')}`)]),
  ];
}

function validateApiVersion(text: string, field: string): FieldCause[] {
  if (text === '') return [required(field)];
  const parts = text === '/' ? ['', ''] : text.split('/');
  if (parts.length > 2) return [invalid(field, text, `unexpected GroupVersion string: ${text}`)];
  const [group, version] = parts.length === 2 ? parts : ['', parts[0]];
  const ofGroup = group ? dns1123Subdomain(group) : [];
  const ofVersion = version ? dns1035Label(version) : [];
  return [
    ...(ofGroup.length > 0 ? [invalid(field, group, ofGroup.join(','))] : []),
    ...(version ? [] : [invalid(field, text, 'version must be specified')]),
    ...(ofVersion.length > 0 ? [invalid(field, version, ofVersion.join(','))] : []),
  ];
}

const exclusive = 'name and selector are mutually exclusive';

export function validateParamRef(ref: ParamRef | undefined, at: string): FieldCause[] {
  if (!ref) return [];
  const { name = '', selector, parameterNotFoundAction: action = '' } = ref;
  return [
    ...(name === '' ? [] : invalidEach(`${at}.name`, name, pathSegment(name))),
    ...(name !== '' && selector ? [forbidden(`${at}.name`, exclusive)] : []),
    ...validateLabelSelector(selector, `${at}.selector`),
    ...(name !== '' && selector ? [forbidden(`${at}.selector`, exclusive)] : []),
    ...(name === '' && !selector ? [required(at, 'one of name or selector must be specified')] : []),
    ...(action === ''
      ? [required(`${at}.parameterNotFoundAction`)]
      : notFoundActions.includes(action)
        ? []
        : [notSupported(`${at}.parameterNotFoundAction`, action, notFoundActions)]),
  ];
}
