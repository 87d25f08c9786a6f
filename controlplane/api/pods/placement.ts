// Which nodes a pod's spec allows, for scheduler and controllers: node selectors and affinity, taints and tolerations.
import { matchesSelector, type Requirement, type Selector } from '../selector';
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

type Expressions = NonNullable<NodeSelectorTerm['matchExpressions']>;

/** All expressions and fields of a term must match; an empty term matches no node. */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: NodeFacts,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchesSelector(selectorOf(matchExpressions), node.labels) &&
    matchesSelector(selectorOf(matchFields), { 'metadata.name': node.name })
  );
}

/** For a longer list, to look its selector up costs less than to make it again. */
const shortList = 16;
const selectors = new WeakMap<Expressions, Selector>();

/** A term is compared with many nodes: matchesSelector compiles a long selector once, if it is the same each time. */
function selectorOf(expressions: Expressions): Selector {
  const length = expressions.reduce((total, { values }) => total + 1 + (values?.length ?? 0), 0);
  if (length <= shortList) return toSelector(expressions);
  const known = selectors.get(expressions) ?? toSelector(expressions);
  selectors.set(expressions, known);
  return known;
}

const toSelector = (expressions: Expressions): Selector =>
  expressions.map(({ key, operator, values = [] }) => ({
    key,
    operator: operator as Requirement['operator'],
    values,
  }));

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
