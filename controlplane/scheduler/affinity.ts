// Matching rules shared by filters and scores: node affinity, tolerations, pod affinity terms, topology counts.
import { type Labels, matchesSelector } from '../api/selector';
import type { NodeInfo, Taint } from './node-info';
import type { AffinityTerm, NodeSelectorTerm, PodInfo, Toleration } from './pod-info';

/** Labels of a namespace; undefined for one that is not known. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** All expressions and fields of a term must hold; a term without any matches nothing. */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: NodeInfo,
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
export function matchesNodeAffinity(pod: PodInfo, node: NodeInfo): boolean {
  for (const key in pod.nodeSelector) if (node.labels[key] !== pod.nodeSelector[key]) return false;
  return pod.requiredNodeTerms === undefined || pod.requiredNodeTerms.some((term) => matchesNodeTerm(term, node));
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

/** The first taint with one of these effects that nothing tolerates. */
export function untolerated(pod: PodInfo, taints: readonly Taint[], effects: readonly string[]): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !pod.tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

export function matchesTerm(term: AffinityTerm, pod: PodInfo, namespaceLabels: NamespaceLabels): boolean {
  if (!term.selector) return false;
  const inNamespace =
    term.namespaces.has(pod.namespace) ||
    (term.namespaceSelector !== undefined && matchesSelector(term.namespaceSelector, namespaceLabels(pod.namespace)));
  return inNamespace && matchesSelector(term.selector, pod.labels);
}

/** Sums by topology domain: how many matching pods, or how much weight, zone=a has. */
export class DomainCounts {
  private readonly sums = new Map<string, number>();

  add(topologyKey: string, value: string | undefined, amount = 1): void {
    if (value === undefined) return;
    const id = `${topologyKey}\0${value}`;
    this.sums.set(id, (this.sums.get(id) ?? 0) + amount);
  }

  get(topologyKey: string, value: string | undefined): number {
    return value === undefined ? 0 : (this.sums.get(`${topologyKey}\0${value}`) ?? 0);
  }

  get isEmpty(): boolean {
    return this.sums.size === 0;
  }
}
