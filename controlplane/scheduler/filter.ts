// Which nodes a pod may run on. Each plugin is a pure function of pod, node and facts gathered once per pod; it answers
// undefined (fits) or why not, in kube-scheduler's words.
import { matchesSelector } from '../api/selector';
import { DomainCounts, matchesNodeAffinity, matchesTerm, type NamespaceLabels, untolerated } from './affinity';
import type { NodeInfo } from './node-info';
import type { HostPort, PodInfo, SpreadConstraint } from './pod-info';

export type FilterName =
  | 'NodeUnschedulable'
  | 'NodeName'
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'PodTopologySpread'
  | 'InterPodAffinity';

export interface Refusal {
  readonly plugin: FilterName;
  readonly reasons: readonly string[];
  /** False when removing pods from the node cannot help. */
  readonly resolvable: boolean;
}

/** What filters need to know about the whole cluster for one pod. */
export interface FilterFacts {
  readonly spread: readonly {
    readonly constraint: SpreadConstraint;
    readonly counts: ReadonlyMap<string, number>;
    readonly min: number;
  }[];
  /** Domains of existing pods that refuse this pod. */
  readonly refusedBy: DomainCounts;
  readonly affinity: DomainCounts;
  readonly antiAffinity: DomainCounts;
  /** True when the pod satisfies its own affinity: the first of a group may go anywhere. */
  readonly matchesItself: boolean;
}

export function gatherFilterFacts(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  namespaceLabels: NamespaceLabels,
): FilterFacts {
  const facts = { refusedBy: new DomainCounts(), affinity: new DomainCounts(), antiAffinity: new DomainCounts() };
  for (const node of nodes) {
    for (const other of node.withAffinity.values()) {
      for (const term of other.antiAffinity) {
        if (matchesTerm(term, pod, namespaceLabels))
          facts.refusedBy.add(term.topologyKey, node.labels[term.topologyKey]);
      }
    }
    if (pod.affinity.length + pod.antiAffinity.length === 0) continue;
    for (const other of node.pods.values()) {
      if (pod.affinity.length > 0 && pod.affinity.every((term) => matchesTerm(term, other, namespaceLabels))) {
        for (const { topologyKey } of pod.affinity) facts.affinity.add(topologyKey, node.labels[topologyKey]);
      }
      for (const term of pod.antiAffinity) {
        if (matchesTerm(term, other, namespaceLabels))
          facts.antiAffinity.add(term.topologyKey, node.labels[term.topologyKey]);
      }
    }
  }
  const matchesItself = pod.affinity.every((term) => matchesTerm(term, pod, namespaceLabels));
  return { ...facts, matchesItself, spread: gatherSpread(pod, nodes) };
}

function gatherSpread(pod: PodInfo, nodes: readonly NodeInfo[]): FilterFacts['spread'] {
  const hard = pod.spread.filter((constraint) => constraint.hard);
  return hard.map((constraint) => {
    const counts = new Map<string, number>();
    for (const node of nodes) {
      if (!hard.every(({ topologyKey }) => node.labels[topologyKey] !== undefined) || !counted(constraint, pod, node))
        continue;
      const domain = node.labels[constraint.topologyKey]!;
      counts.set(domain, (counts.get(domain) ?? 0) + countMatching(constraint, pod, node));
    }
    const min = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values());
    return { constraint, counts, min };
  });
}

/** Whether a node takes part in the count of a constraint, by its inclusion policies. */
export function counted(constraint: SpreadConstraint, pod: PodInfo, node: NodeInfo): boolean {
  if (constraint.honorAffinity && !matchesNodeAffinity(pod, node)) return false;
  return !constraint.honorTaints || untolerated(pod, node.taints, hardEffects) === undefined;
}

export function countMatching({ selector }: SpreadConstraint, pod: PodInfo, node: NodeInfo): number {
  if (!selector) return 0;
  let count = 0;
  for (const other of node.pods.values()) {
    if (other.namespace === pod.namespace && !other.terminating && matchesSelector(selector, other.labels)) count++;
  }
  return count;
}

const hardEffects = ['NoSchedule', 'NoExecute'];
type Filter = (pod: PodInfo, node: NodeInfo, facts: FilterFacts) => Omit<Refusal, 'plugin'> | undefined;
const never = (reason: string) => ({ reasons: [reason], resolvable: false });
const notNow = (reason: string) => ({ reasons: [reason], resolvable: true });

/** In the order of kube-scheduler's default profile: the first refusal is the one reported. */
const filters: readonly (readonly [FilterName, Filter])[] = [
  ['NodeUnschedulable', filterUnschedulable],
  [
    'NodeName',
    (pod, node) =>
      !pod.pod.spec?.nodeName || pod.pod.spec.nodeName === node.name
        ? undefined
        : never("node(s) didn't match the requested node name"),
  ],
  ['TaintToleration', filterTaints],
  [
    'NodeAffinity',
    (pod, node) =>
      matchesNodeAffinity(pod, node) ? undefined : never("node(s) didn't match Pod's node affinity/selector"),
  ],
  ['NodePorts', filterPorts],
  ['NodeResourcesFit', filterResources],
  ['PodTopologySpread', filterSpread],
  ['InterPodAffinity', filterPodAffinity],
];

export function filterNode(pod: PodInfo, node: NodeInfo, facts: FilterFacts): Refusal | undefined {
  for (const [plugin, filter] of filters) {
    const refusal = filter(pod, node, facts);
    if (refusal) return { plugin, ...refusal };
  }
  return undefined;
}

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function filterUnschedulable(pod: PodInfo, node: NodeInfo) {
  if (!node.unschedulable || !untolerated(pod, [cordonTaint], hardEffects)) return undefined;
  return never('node(s) were unschedulable');
}

function filterTaints(pod: PodInfo, node: NodeInfo) {
  const taint = node.taints.length > 0 ? untolerated(pod, node.taints, hardEffects) : undefined;
  return taint && never(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
}

function filterPorts(pod: PodInfo, node: NodeInfo) {
  const clash = pod.hostPorts.some((port) => node.hostPorts.some((used) => portsClash(port, used)));
  return clash ? notNow("node(s) didn't have free ports for the requested pod ports") : undefined;
}

const portsClash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');

function filterResources(pod: PodInfo, node: NodeInfo) {
  const reasons: string[] = [];
  let resolvable = true;
  if (node.pods.size + 1 > (node.allocatable['pods'] ?? 0)) reasons.push('Too many pods');
  for (const name in pod.requests) {
    const wanted = pod.requests[name]!;
    const offered = node.allocatable[name] ?? 0;
    if (wanted === 0 || wanted <= offered - (node.requested[name] ?? 0)) continue;
    reasons.push(`Insufficient ${name}`);
    if (wanted > offered) resolvable = false;
  }
  return reasons.length > 0 ? { reasons, resolvable } : undefined;
}

function filterSpread(pod: PodInfo, node: NodeInfo, facts: FilterFacts) {
  for (const { constraint, counts, min } of facts.spread) {
    const domain = node.labels[constraint.topologyKey];
    if (domain === undefined)
      return never("node(s) didn't match pod topology spread constraints (missing required label)");
    const self = constraint.selector && matchesSelector(constraint.selector, pod.labels) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + self - min > constraint.maxSkew) {
      return notNow("node(s) didn't match pod topology spread constraints");
    }
  }
  return undefined;
}

function filterPodAffinity(pod: PodInfo, node: NodeInfo, facts: FilterFacts) {
  const near = pod.affinity.every(({ topologyKey }) => facts.affinity.get(topologyKey, node.labels[topologyKey]) > 0);
  if (!near) {
    const labelled = pod.affinity.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
    // The first pod of a group that wants to be with its own kind has nobody to join.
    if (!(labelled && facts.affinity.isEmpty && facts.matchesItself))
      return never("node(s) didn't match pod affinity rules");
  }
  if (pod.antiAffinity.some(({ topologyKey }) => facts.antiAffinity.get(topologyKey, node.labels[topologyKey]) > 0)) {
    return notNow("node(s) didn't match pod anti-affinity rules");
  }
  if (!facts.refusedBy.isEmpty) {
    for (const [key, value] of Object.entries(node.labels)) {
      if (facts.refusedBy.get(key, value) > 0)
        return notNow("node(s) didn't satisfy existing pods anti-affinity rules");
    }
  }
  return undefined;
}
