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

interface TermSelectors {
  readonly labels: Selector;
  readonly fields: Selector;
}

/** A term is compared with many nodes. The same selector each time lets matchesSelector compile a long one once. */
const selectors = new WeakMap<NodeSelectorTerm, TermSelectors>();

/** All expressions and fields of a term must match; an empty term matches no node. */
export function matchesNodeTerm(term: NodeSelectorTerm, node: NodeFacts): boolean {
  let known = selectors.get(term);
  if (!known) {
    known = { labels: toSelector(term.matchExpressions), fields: toSelector(term.matchFields) };
    selectors.set(term, known);
  }
  const { labels, fields } = known;
  if (labels.length + fields.length === 0) return false;
  if (!matchesSelector(labels, node.labels)) return false;
  return fields.length === 0 || matchesSelector(fields, { 'metadata.name': node.name });
}

const toSelector = (list: NodeSelectorTerm['matchExpressions'] = []): Selector =>
  list.map(({ key, operator, values = [] }) => ({ key, operator: operator as Requirement['operator'], values }));

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
