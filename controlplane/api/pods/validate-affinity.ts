// Field rules of affinity and topology spread constraints.
import type { FieldCause } from '../../base/errors';
import type { LabelSelector } from '../types';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Label, dns1123Subdomain, inRange, labelValue, qualifiedName } from '../validation/names';
import { oneOf, validateLabelSelector } from '../validation/selectors';
import type { PodSpec } from './types';

type Affinity = NonNullable<PodSpec['affinity']>;
type NodeTerm = NonNullable<
  NonNullable<Affinity['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>['nodeSelectorTerms'][number];
type PodTerm = NonNullable<
  NonNullable<Affinity['podAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>[number];

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity | undefined, field: string): FieldCause[] {
  if (!affinity) return [];
  const { nodeAffinity } = affinity;
  const causes: FieldCause[] = [];
  if (nodeAffinity?.[hard]) causes.push(...validateNodeSelector(nodeAffinity[hard], `${field}.nodeAffinity.${hard}`));
  nodeAffinity?.[soft]?.forEach(({ weight, preference }, i) => {
    const at = `${field}.nodeAffinity.${soft}[${i}]`;
    causes.push(...weightCauses(`${at}.weight`, weight), ...validateNodeTerm(preference, `${at}.preference`, false));
  });
  for (const key of ['podAffinity', 'podAntiAffinity'] as const) {
    affinity[key]?.[hard]?.forEach((term, i) => {
      causes.push(...validatePodTerm(term, `${field}.${key}.${hard}[${i}]`));
    });
    affinity[key]?.[soft]?.forEach(({ weight, podAffinityTerm }, i) => {
      const at = `${field}.${key}.${soft}[${i}]`;
      causes.push(
        ...weightCauses(`${at}.weight`, weight),
        ...validatePodTerm(podAffinityTerm, `${at}.podAffinityTerm`),
      );
    });
  }
  return causes;
}

/** Pods, volumes and devices select nodes by such terms. */
export function validateNodeSelector(
  { nodeSelectorTerms: terms }: { nodeSelectorTerms?: readonly NodeTerm[] },
  field: string,
): FieldCause[] {
  const at = `${field}.nodeSelectorTerms`;
  if (!terms?.length) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeTerm(term, `${at}[${i}]`, true));
}

const weightCauses = (field: string, weight = 0): FieldCause[] => {
  const wrong = inRange(weight, 1, 100).map(() => 'must be in the range 1-100');
  return invalidEach(field, weight, wrong);
};

/** `strict` is false for preferences: a value that no label can have is then only worth a warning. */
function validateNodeTerm(term: NodeTerm | undefined, field: string, strict: boolean): FieldCause[] {
  return [
    ...(term?.matchExpressions ?? []).flatMap((requirement, i) =>
      validateExpression(requirement, `${field}.matchExpressions[${i}]`, strict),
    ),
    ...(term?.matchFields ?? []).flatMap((requirement, i) =>
      validateFieldRequirement(requirement, `${field}.matchFields[${i}]`),
    ),
  ];
}

type Requirement = NonNullable<NodeTerm['matchExpressions']>[number];
const nodeOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function validateExpression(requirement: Requirement, at: string, strict: boolean): FieldCause[] {
  const { key = '', operator = '', values = [] } = requirement;
  const causes: FieldCause[] = [];
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    causes.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    causes.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
    causes.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else if (!nodeOperators.includes(operator)) {
    causes.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  }
  causes.push(...invalidEach(`${at}.key`, key, qualifiedName(key)));
  if (!strict) return causes;
  return [...causes, ...values.flatMap((value, i) => invalidEach(`${at}.values[${i}]`, value, labelValue(value)))];
}

function validateFieldRequirement(requirement: Requirement, at: string): FieldCause[] {
  const { key = '', operator = '', values = [] } = requirement;
  const one = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
  const causes = ['In', 'NotIn'].includes(operator)
    ? values.length === 1
      ? []
      : [required(`${at}.values`, one)]
    : [invalid(`${at}.operator`, operator, 'not a valid selector operator')];
  if (key !== 'metadata.name') return [...causes, invalid(`${at}.key`, key, 'not a valid field selector key')];
  return [
    ...causes,
    ...values.flatMap((value, i) => invalidEach(`${at}.values[${i}]`, value, dns1123Subdomain(value))),
  ];
}

function validatePodTerm(term: PodTerm | undefined, field: string): FieldCause[] {
  const topologyKey = term?.topologyKey ?? '';
  return [
    ...validateLabelSelector(term?.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term?.namespaceSelector, `${field}.namespaceSelector`),
    ...(term?.namespaces ?? []).flatMap((name) => invalidEach(`${field}.namespace`, name, dns1123Label(name))),
    ...validateLabelKeys(term ?? {}, field),
    ...(topologyKey === '' ? [required(`${field}.topologyKey`, 'can not be empty')] : []),
    ...invalidEach(`${field}.topologyKey`, topologyKey, qualifiedName(topologyKey)),
  ];
}

interface KeyedSelector {
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/**
 * The selector of a pod has the terms of these keys already (label-keys.ts): so a key that occurs twice was in both. The path of
 * that message lacks the name of the list, as upstream's.
 */
function validateLabelKeys(
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: KeyedSelector,
  field: string,
): FieldCause[] {
  const names = Object.entries({ matchLabelKeys, mismatchLabelKeys }).flatMap(([list, keys]) => {
    if (keys.length > 0 && !labelSelector)
      return [forbidden(`${field}.${list}`, 'must not be specified when labelSelector is not set')];
    return keys.flatMap((key, i) => invalidEach(`${field}.${list}[${i}]`, key, qualifiedName(key)));
  });
  const positions = new Map(matchLabelKeys.map((key, i) => [key, i] as const));
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  const twice = (labelSelector?.matchExpressions ?? []).flatMap(({ key }) => {
    const position = positions.get(key);
    const again = position !== undefined && selected.has(key);
    selected.add(key);
    return again ? [invalid(`${field}[${position}]`, key, 'exists in both matchLabelKeys and labelSelector')] : [];
  });
  const excluded = new Set(mismatchLabelKeys);
  const both = matchLabelKeys.flatMap((key, i) =>
    excluded.has(key)
      ? [invalid(`${field}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys')]
      : [],
  );
  return [...names, ...twice, ...both];
}

const unsatisfiable = ['DoNotSchedule', 'ScheduleAnyway'];
const inclusions = ['Honor', 'Ignore'];
type Constraint = NonNullable<PodSpec['topologySpreadConstraints']>[number];

export function validateSpread(constraints: readonly Constraint[], field: string): FieldCause[] {
  return constraints.flatMap((constraint, i) => {
    const at = `${field}[${i}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable, minDomains, labelSelector } = constraint;
    const causes = maxSkew > 0 ? [] : [invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero')];
    if (topologyKey === '') causes.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (!unsatisfiable.includes(whenUnsatisfiable)) {
      causes.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable ?? '', unsatisfiable));
    }
    const isTwin = (other: Constraint) =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable;
    if (constraints.slice(i + 1).some(isTwin)) {
      causes.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    if (minDomains !== undefined) causes.push(...validateMinDomains(minDomains, whenUnsatisfiable, `${at}.minDomains`));
    return [
      ...causes,
      ...oneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, inclusions),
      ...oneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, inclusions),
      ...validateLabelKeys(constraint, at),
      ...validateLabelSelector(labelSelector, `${at}.labelSelector`),
    ];
  });
}

function validateMinDomains(minDomains: number, action: string | undefined, field: string): FieldCause[] {
  const causes = minDomains > 0 ? [] : [invalid(field, minDomains, 'must be greater than zero')];
  if (action === 'DoNotSchedule') return causes;
  const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action ?? ''}`;
  return [...causes, invalid(field, minDomains, detail)];
}
