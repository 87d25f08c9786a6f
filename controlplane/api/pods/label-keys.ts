// matchLabelKeys and mismatchLabelKeys of a new pod: each becomes a term of the label selector next to it, with the value of the pod's
// own label. KEP-3633, KEP-3243.
import type { LabelSelector } from '../types';
import type { PodSpec } from './types';

interface KeyedSelector {
  labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/** A write with a generated name may start again; the terms must be added once. */
const merged = new WeakSet<PodSpec>();

/** Changes the selectors of `spec`, once. */
export function mergeLabelKeys(spec: PodSpec, labels: Readonly<Record<string, string>>): void {
  if (merged.has(spec)) return;
  merged.add(spec);
  for (const owner of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const { podAffinityTerm } of owner?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      if (podAffinityTerm) merge(podAffinityTerm, labels);
    for (const term of owner?.requiredDuringSchedulingIgnoredDuringExecution ?? []) merge(term, labels);
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) merge(constraint, labels);
}

/** Without a selector no pod matches, with or without these keys. */
function merge(owner: KeyedSelector, labels: Readonly<Record<string, string>>): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = owner;
  const terms = (keys: readonly string[], operator: string) =>
    keys.flatMap((key) => (Object.hasOwn(labels, key) ? [{ key, operator, values: [labels[key]!] }] : []));
  const added = [...terms(matchLabelKeys, 'In'), ...terms(mismatchLabelKeys, 'NotIn')];
  if (!labelSelector || added.length === 0) return;
  owner.labelSelector = {
    ...labelSelector,
    matchExpressions: [...(labelSelector.matchExpressions ?? []), ...added],
  };
}
