// Which pods and claims a quota with scopes counts. Source: the page "Resource Quotas" of the documentation.
import type { PersistentVolumeClaim } from '../persistent-volume-claim';
import type { Pod } from '../pod';
import { qosClass } from '../pods/qos';
import type { ResourceQuota } from '../resource-quota';

export interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** spec.scopes and spec.scopeSelector in one form. An object must meet all of them. */
export const scopesOf = ({ spec }: Pick<ResourceQuota, 'spec'>): readonly ScopeRequirement[] => [
  ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(spec?.scopeSelector?.matchExpressions ?? []),
];

export function podMeets(pod: Pod, { scopeName, operator, values = [] }: ScopeRequirement): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return spec !== undefined && qosClass(spec) === 'BestEffort';
    case 'NotBestEffort':
      return spec === undefined || qosClass(spec) !== 'BestEffort';
    case 'PriorityClass':
      return meetsName(spec?.priorityClassName ?? '', operator, values);
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

/** Every class counts that the claim has, had a moment ago or will have: one of them must meet the requirement. */
export function claimMeets(
  claim: PersistentVolumeClaim,
  { scopeName, operator, values = [] }: ScopeRequirement,
): boolean {
  if (scopeName !== 'VolumeAttributesClass') return false;
  const { spec, status } = claim;
  const target = status?.modifyVolumeStatus?.targetVolumeAttributesClassName;
  const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, target].filter(Boolean);
  return (names.length > 0 ? names : ['']).some((name) => meetsName(name ?? '', operator, values));
}

/** The deadline of the pod, not its deletion. */
const isTerminating = ({ spec }: Pod): boolean => (spec?.activeDeadlineSeconds ?? -1) >= 0;

/** An object without a class has no value to compare: it meets NotIn and DoesNotExist. */
function meetsName(name: string, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    case 'In':
      return name !== '' && values.includes(name);
    case 'NotIn':
      return name === '' || !values.includes(name);
    default:
      return false;
  }
}

function reachesOtherNamespaces({ spec }: Pod): boolean {
  return [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].some((affinity) => {
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const terms = [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...preferred.map(({ podAffinityTerm }) => podAffinityTerm),
    ];
    return terms.some((term) => (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined);
  });
}
