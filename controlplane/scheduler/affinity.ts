// Matching rules shared by filters and scores: node affinity, taints, pod affinity terms, topology counts.
import { matchesNodeTerm, tolerates } from '../api/pods/placement';
import { type Labels, matchesSelector } from '../api/selector';
import type { NodeInfo, Taint } from './node-info';
import type { AffinityTerm, PodInfo } from './pod-info';

/** Labels of a namespace; undefined for an unknown namespace. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** nodeSelector and required node affinity together. */
export function matchesNodeAffinity(pod: PodInfo, node: NodeInfo): boolean {
  for (const key in pod.nodeSelector) if (node.labels[key] !== pod.nodeSelector[key]) return false;
  return pod.requiredNodeTerms === undefined || pod.requiredNodeTerms.some((term) => matchesNodeTerm(term, node));
}

/** The first taint with one of these effects that the pod does not tolerate. */
export function untolerated(pod: PodInfo, taints: readonly Taint[], effects: readonly string[]): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !pod.tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** The effects of taints that keep a pod away; PreferNoSchedule does not. */
export const hardEffects = ['NoSchedule', 'NoExecute'];

/** With `namespaceLabels` undefined, every namespace passes the namespaceSelector. */
export function matchesTerm(term: AffinityTerm, pod: PodInfo, namespaceLabels: NamespaceLabels | undefined): boolean {
  if (!term.selector) return false;
  const inNamespace =
    term.namespaces.has(pod.namespace) ||
    (term.namespaceSelector !== undefined &&
      (namespaceLabels === undefined || matchesSelector(term.namespaceSelector, namespaceLabels(pod.namespace))));
  return inNamespace && matchesSelector(term.selector, pod.labels);
}

/** Sums by topology domain: how many matching pods, or how much weight, zone=a has. */
export class DomainCounts {
  /** Topology key → value → sum. */
  private readonly sums = new Map<string, Map<string, number>>();
  private readonly list: string[] = [];

  add(topologyKey: string, value: string | undefined, amount = 1): void {
    if (value === undefined) return;
    let domains = this.sums.get(topologyKey);
    if (!domains) {
      domains = new Map();
      this.sums.set(topologyKey, domains);
      this.list.push(topologyKey);
    }
    domains.set(value, (domains.get(value) ?? 0) + amount);
  }

  get(topologyKey: string, value: string | undefined): number {
    return value === undefined ? 0 : (this.sums.get(topologyKey)?.get(value) ?? 0);
  }

  get isEmpty(): boolean {
    return this.sums.size === 0;
  }

  /** The topology keys that have a sum. */
  get keys(): readonly string[] {
    return this.list;
  }
}
