// Field rules of affinity and topology spread constraints.
import type { FieldCause } from '../../base/errors';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { inRange, labelValue, qualifiedName } from '../validation/names';
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
    causes.push(...weightCauses(`${at}.weight`, weight), ...validateNodeTerm(preference, `${at}.preference`));
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
  return terms.flatMap((term, i) => validateNodeTerm(term, `${at}[${i}]`));
}

const weightCauses = (field: string, weight: number): FieldCause[] => {
  const wrong = inRange(weight, 1, 100).map(() => 'must be in the range 1-100');
  return invalidEach(field, weight, wrong);
};

const nodeOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function validateNodeTerm(term: NodeTerm, field: string): FieldCause[] {
  return (['matchExpressions', 'matchFields'] as const).flatMap((list) =>
    (term?.[list] ?? []).flatMap(({ key, operator, values = [] }, i) => {
      const at = `${field}.${list}[${i}]`;
      const causes: FieldCause[] = [];
      if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
        causes.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
        causes.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      } else if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
        causes.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      } else if (!nodeOperators.includes(operator)) {
        causes.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'));
      }
      if (list === 'matchExpressions') {
        causes.push(...invalidEach(`${at}.key`, key ?? '', qualifiedName(key ?? '')));
        values.forEach((value, j) => {
          causes.push(...invalidEach(`${at}.values[${j}]`, value, labelValue(value)));
        });
      } else if (key !== 'metadata.name') {
        causes.push(invalid(`${at}.key`, key, 'not a valid field selector key'));
      }
      return causes;
    }),
  );
}

function validatePodTerm(term: PodTerm | undefined, field: string): FieldCause[] {
  const topologyKey = term?.topologyKey ?? '';
  return [
    ...validateLabelSelector(term?.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term?.namespaceSelector, `${field}.namespaceSelector`),
    ...(topologyKey === ''
      ? [required(`${field}.topologyKey`, 'can not be empty')]
      : invalidEach(`${field}.topologyKey`, topologyKey, qualifiedName(topologyKey))),
  ];
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
      ...validateMatchLabelKeys(constraint, `${at}.matchLabelKeys`),
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

function validateMatchLabelKeys({ matchLabelKeys = [], labelSelector }: Constraint, field: string): FieldCause[] {
  if (matchLabelKeys.length === 0) return [];
  if (!labelSelector) return [forbidden(field, 'must not be specified when labelSelector is not set')];
  const selected = new Set([
    ...Object.keys(labelSelector.matchLabels ?? {}),
    ...(labelSelector.matchExpressions ?? []).map(({ key }) => key),
  ]);
  return matchLabelKeys.flatMap((key, i) => [
    ...invalidEach(`${field}[${i}]`, key, qualifiedName(key)),
    ...(selected.has(key) ? [invalid(`${field}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector')] : []),
  ]);
}
