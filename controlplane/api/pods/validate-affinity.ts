// Field rules of affinity and topology spread constraints.
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { inRange, labelValue, qualifiedName } from '../validation/names';
import { validateLabelSelector } from '../validation/selectors';
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
  const terms = nodeAffinity?.[hard]?.nodeSelectorTerms;
  if (nodeAffinity?.[hard]) {
    const at = `${field}.nodeAffinity.${hard}.nodeSelectorTerms`;
    if (!terms?.length) causes.push(required(at, 'must have at least one node selector term'));
    terms?.forEach((term, i) => {
      causes.push(...validateNodeTerm(term, `${at}[${i}]`));
    });
  }
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

export function validateSpread(
  constraints: NonNullable<PodSpec['topologySpreadConstraints']>,
  field: string,
): FieldCause[] {
  return constraints.flatMap(({ maxSkew, topologyKey = '', whenUnsatisfiable, labelSelector }, i) => {
    const at = `${field}[${i}]`;
    const causes = maxSkew > 0 ? [] : [invalid(`${at}.maxSkew`, maxSkew ?? 0, 'must be greater than zero')];
    if (topologyKey === '') causes.push(required(`${at}.topologyKey`, 'can not be empty'));
    else causes.push(...invalidEach(`${at}.topologyKey`, topologyKey, qualifiedName(topologyKey)));
    if (!unsatisfiable.includes(whenUnsatisfiable)) {
      causes.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable ?? '', unsatisfiable));
    }
    const twin = constraints.findIndex(
      (other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable,
    );
    if (twin < i) {
      const message = `Duplicate value: ${JSON.stringify(`{${topologyKey}, ${whenUnsatisfiable}}`)}`;
      causes.push({ reason: 'FieldValueDuplicate', field: `${at}.{topologyKey, whenUnsatisfiable}`, message });
    }
    return [...causes, ...validateLabelSelector(labelSelector, `${at}.labelSelector`)];
  });
}
