// Field rules of ResourceQuotas: names and amounts of resources, and which scopes fit to which resources.
import type { FieldCause } from '../../base/errors';
import { isExtended, isHugePages } from '../pods/resource-names';
import { parseQuantity } from '../quantity';
import type { ResourceQuota } from '../resource-quota';
import { immutable, invalid, invalidEach, required } from '../validation/causes';
import { qualifiedName } from '../validation/names';

type Spec = NonNullable<ResourceQuota['spec']>;

const whole = [
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
];
const computed = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
const standard: ReadonlySet<string> = new Set([
  ...whole,
  ...computed,
  'ephemeral-storage',
  'limits.ephemeral-storage',
  'requests.ephemeral-storage',
  'requests.storage',
]);
/** A name without a domain that Kubernetes knows. */
export const isStandard = (name: string): boolean => standard.has(name) || isHugePages(name.replace(/^requests\./, ''));
/** A resource that has no fractions. */
export const isWhole = (name: string): boolean => whole.includes(name) || isExtended(name);
const milli = 1_000_000n;
const unit = 1000n * milli;

export function validateAmounts(amounts: Readonly<Record<string, string>> | undefined, at: string): FieldCause[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => {
    const field = `${at}[${name}]`;
    const { nano } = parseQuantity(text);
    const isShort = !name.includes('/') && !isStandard(name);
    return [
      ...invalidEach(field, name, qualifiedName(name)),
      ...(isShort ? [invalid(field, name, 'must be a standard resource type or fully qualified')] : []),
      ...(isShort ? [invalid(field, name, 'must be a standard resource for quota')] : []),
      ...(nano < 0n ? [invalid(field, text, 'must be greater than or equal to 0')] : []),
      ...(isWhole(name) && nano % unit !== 0n ? [invalid(field, text, 'must be an integer')] : []),
    ];
  });
}

const podScopes = ['Terminating', 'NotTerminating', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity'];
const existsOnly = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity'];
const podResources = ['pods', ...computed];

const claimScope = 'VolumeAttributesClass';
const claimResources = ['persistentvolumeclaims', 'requests.storage'];

const isScope = (scope: string): boolean => scope === 'BestEffort' || scope === claimScope || podScopes.includes(scope);
function fits(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods';
  return (scope === claimScope ? claimResources : podResources).includes(resource);
}

/** Pairs that no pod can meet together. */
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const conflict = (scopes: readonly string[]): boolean =>
  opposites.some((pair) => pair.every((scope) => scopes.includes(scope)));

export function validateScopes({ hard = {}, scopes = [], scopeSelector }: Spec): FieldCause[] {
  const resources = Object.keys(hard);
  const unfit = (list: readonly string[], field: string, value: unknown): FieldCause[] =>
    list.flatMap((scope) =>
      resources
        .filter((resource) => isScope(scope) && standard.has(resource) && !fits(scope, resource))
        .map(() => invalid(field, value, 'unsupported scope applied to resource')),
    );
  const requirements = scopeSelector?.matchExpressions ?? [];
  const at = 'spec.scopeSelector.matchExpressions';
  const selected = requirements.map(({ scopeName }) => scopeName);
  return [
    ...scopes.flatMap((scope) => (isScope(scope) ? [] : [invalid('spec.scopes', scopes, 'unsupported scope')])),
    ...unfit(scopes, 'spec.scopes', scopes),
    ...(conflict(scopes) ? [invalid('spec.scopes', scopes, 'conflicting scopes')] : []),
    ...requirements.flatMap((requirement) => [
      ...(isScope(requirement.scopeName)
        ? []
        : [invalid(`${at}.scopeName`, requirement.scopeName, 'unsupported scope')]),
      ...validateOperator(requirement, at),
      ...unfit([requirement.scopeName], at, requirement),
    ]),
    ...(conflict(selected) ? [invalid(at, selected, 'conflicting scopes')] : []),
  ];
}

type Requirement = NonNullable<Spec['scopeSelector']> extends { matchExpressions?: (infer R)[] } ? R : never;

function validateOperator({ scopeName, operator, values = [] }: Requirement, at: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (existsOnly.includes(scopeName) && operator !== 'Exists') {
    const why =
      "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " +
      'ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity';
    causes.push(invalid(`${at}.operator`, operator, why));
  }
  if (operator === 'In' || operator === 'NotIn') {
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) causes.push(required(`${at}.values`, why));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) causes.push(invalid(`${at}.values`, values, why));
  } else causes.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  return causes;
}

/** The order does not count. */
export function validateScopeUpdate({ scopes = [] }: Spec, { scopes: before = [] }: Spec): FieldCause[] {
  const isSame = new Set([...scopes, ...before]).size === new Set(scopes).size && scopes.length >= before.length;
  return isSame && before.every((scope) => scopes.includes(scope)) && scopes.every((scope) => before.includes(scope))
    ? []
    : [invalid('spec.scopes', scopes, immutable)];
}
