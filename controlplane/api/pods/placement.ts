// Which nodes a pod's spec allows, for scheduler and controllers: node selectors and affinity, taints and tolerations.
import { matchesSelector } from '../selector';
import type { PodSpec } from './types';

export type Toleration = NonNullable<PodSpec['tolerations']>[number];
export type NodeSelectorTerm = NonNullable<
  NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>['nodeSelectorTerms'][number];
export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}
interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** All expressions and fields of a term must match; an empty term matches no node. */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: NodeFacts,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const requirements = (list: typeof matchExpressions) =>
    list.map(({ key, operator, values = [] }) => ({ key, operator: operator as 'In', values }));
  return (
    matchesSelector(requirements(matchExpressions), node.labels) &&
    matchesSelector(requirements(matchFields), { 'metadata.name': node.name })
  );
}

/** nodeSelector and required node affinity together. */
export function allowsNode({ nodeSelector = {}, affinity }: PodSpec, node: NodeFacts): boolean {
  for (const key in nodeSelector) if (node.labels[key] !== nodeSelector[key]) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node));
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  if (toleration.operator && toleration.operator !== 'Equal') return comparesNumber(toleration, taint);
  // Without a key only Exists is valid.
  return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '');
}

/** Operators Gt and Lt compare whole numbers (KEP-5471). */
function comparesNumber({ operator, value = '' }: Toleration, taint: Taint): boolean {
  const [mine, theirs] = [value, taint.value ?? ''];
  if (!/^-?\d+$/.test(mine) || !/^-?\d+$/.test(theirs)) return false;
  return operator === 'Gt' ? Number(theirs) > Number(mine) : operator === 'Lt' ? Number(theirs) < Number(mine) : false;
}
