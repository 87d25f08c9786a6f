// Which of the nodes that fit is best: plugins give each node a number, which is brought to 0..100 and weighted as in
// kube-scheduler's default profile. Pure.
import { matchesNodeTerm } from '../api/pods/placement';
import { DomainCounts, matchesTerm, type NamespaceLabels, untolerated } from './affinity';
import { counted, countMatching } from './filter';
import type { NodeInfo } from './node-info';
import type { PodInfo, SpreadConstraint } from './pod-info';

export type ScoreName =
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'PodTopologySpread'
  | 'InterPodAffinity'
  | 'NodeResourcesFit'
  | 'NodeResourcesBalancedAllocation'
  | 'ImageLocality';

const maxScore = 100;
const weights: Readonly<Record<ScoreName, number>> = {
  TaintToleration: 3,
  NodeAffinity: 2,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesFit: 1,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
};

export interface ScoreInput {
  readonly pod: PodInfo;
  /** The nodes that passed the filters: these are scored, in this order. */
  readonly feasible: readonly NodeInfo[];
  /** All nodes: what runs elsewhere counts for spreading and affinity. */
  readonly all: readonly NodeInfo[];
  readonly namespaceLabels: NamespaceLabels;
}

/** The total of each feasible node, in the order given. */
export function scoreNodes(input: ScoreInput): number[] {
  const parts: Readonly<Record<ScoreName, readonly number[]>> = {
    TaintToleration: scoreTaints(input),
    NodeAffinity: scoreNodeAffinity(input),
    PodTopologySpread: scoreSpread(input),
    InterPodAffinity: scorePodAffinity(input),
    NodeResourcesFit: input.feasible.map((node) => leastAllocated(input.pod, node)),
    NodeResourcesBalancedAllocation: input.feasible.map((node) => balanced(input.pod, node)),
    ImageLocality: scoreImages(input),
  };
  return input.feasible.map((_, i) =>
    Object.entries(parts).reduce((total, [name, scores]) => total + weights[name as ScoreName] * scores[i]!, 0),
  );
}

/** Fewer taints that merely prefer the pod elsewhere are better. */
function scoreTaints({ pod, feasible }: ScoreInput): number[] {
  const counts = feasible.map(
    ({ taints }) => taints.filter((taint) => untolerated(pod, [taint], ['PreferNoSchedule']) !== undefined).length,
  );
  const max = Math.max(0, ...counts);
  return counts.map((count) => (max === 0 ? maxScore : maxScore - (maxScore * count) / max));
}

function scoreNodeAffinity({ pod, feasible }: ScoreInput): number[] {
  if (pod.preferredNodeTerms.length === 0) return feasible.map(() => 0);
  const sums = feasible.map((node) =>
    pod.preferredNodeTerms.reduce((sum, { weight, term }) => sum + (matchesNodeTerm(term, node) ? weight : 0), 0),
  );
  const max = Math.max(0, ...sums);
  return sums.map((sum) => (max === 0 ? 0 : (maxScore * sum) / max));
}

/** Free share of cpu and memory after the pod is placed. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  const share = (name: 'cpu' | 'memory') => {
    const offered = node.allocatable[name] ?? 0;
    const used = node.scoring[name] + pod.scoring[name];
    return offered === 0 || used > offered ? 0 : ((offered - used) * maxScore) / offered;
  };
  return (share('cpu') + share('memory')) / 2;
}

/** Nodes whose cpu and memory fill up alike are better: with two resources the deviation is half their difference. */
export function balanced(pod: PodInfo, node: NodeInfo): number {
  const fraction = (name: 'cpu' | 'memory') => {
    const offered = node.allocatable[name] ?? 0;
    return offered === 0 ? 1 : Math.min(1, ((node.requested[name] ?? 0) + (pod.requests[name] ?? 0)) / offered);
  };
  return maxScore * (1 - Math.abs(fraction('cpu') - fraction('memory')) / 2);
}

/** What is spread softly without being asked for: replicas of one controller over nodes and zones (the cluster defaults). */
const defaultSpread = [
  { topologyKey: 'kubernetes.io/hostname', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
];

function scoreSpread(input: ScoreInput): number[] {
  const { pod } = input;
  const soft = pod.spread.filter(({ hard }) => !hard);
  if (soft.length > 0) return spreadBy(input, soft, (constraint, node) => countMatching(constraint, pod, node), true);
  const { controller } = pod;
  if (pod.spread.length > 0 || controller === undefined) return input.feasible.map(() => 0);
  const constraints = defaultSpread.map((constraint) => ({
    ...constraint,
    minDomains: 1,
    selector: undefined,
    hard: false,
    honorAffinity: true,
    honorTaints: false,
  }));
  return spreadBy(input, constraints, (_, node) => node.perController.get(controller) ?? 0, false);
}

/** Nodes that lack a required topology label get nothing; the rest the more, the fewer like pods share their domains. */
function spreadBy(
  { pod, feasible, all }: ScoreInput,
  constraints: readonly SpreadConstraint[],
  countOn: (constraint: SpreadConstraint, node: NodeInfo) => number,
  needsAllLabels: boolean,
): number[] {
  const labelled = (node: NodeInfo) => constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
  const ignored = feasible.map((node) => needsAllLabels && !labelled(node));
  const costs = feasible.map(() => 0);
  for (const constraint of constraints) {
    const { topologyKey, maxSkew } = constraint;
    const domains = new Set(
      feasible.flatMap(({ labels }, i) =>
        ignored[i] || labels[topologyKey] === undefined ? [] : [labels[topologyKey]],
      ),
    );
    const counts = new Map<string, number>();
    for (const node of all) {
      const domain = node.labels[topologyKey];
      if (
        domain === undefined ||
        !domains.has(domain) ||
        (needsAllLabels && !labelled(node)) ||
        !counted(constraint, pod, node)
      )
        continue;
      counts.set(domain, (counts.get(domain) ?? 0) + countOn(constraint, node));
    }
    // More domains make each one weigh more, else hostname would never outweigh zone.
    const weight = Math.log(domains.size + 2);
    feasible.forEach(({ labels }, i) => {
      const domain = labels[topologyKey];
      if (!ignored[i] && domain !== undefined)
        costs[i] = costs[i]! + (counts.get(domain) ?? 0) * weight + (maxSkew - 1);
    });
  }
  const scored = costs.filter((_, i) => !ignored[i]);
  const max = Math.max(0, ...scored);
  const min = Math.min(...scored);
  return costs.map((cost, i) => (ignored[i] ? 0 : max === 0 ? maxScore : (maxScore * (max + min - cost)) / max));
}

function scorePodAffinity({ pod, feasible, all, namespaceLabels }: ScoreInput): number[] {
  const sums = new DomainCounts();
  const own = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
  for (const node of all) {
    const add = (topologyKey: string, amount: number) => sums.add(topologyKey, node.labels[topologyKey], amount);
    if (own) {
      for (const other of node.pods.values()) {
        for (const term of pod.preferredAffinity)
          if (matchesTerm(term, other, namespaceLabels)) add(term.topologyKey, term.weight);
        for (const term of pod.preferredAntiAffinity)
          if (matchesTerm(term, other, namespaceLabels)) add(term.topologyKey, -term.weight);
      }
    }
    // Affinities of pods that are there already count in both directions; a required one counts as a preferred one of weight 1.
    for (const other of node.withAffinity.values()) {
      for (const term of other.affinity) if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, 1);
      for (const term of other.preferredAffinity)
        if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, term.weight);
      for (const term of other.preferredAntiAffinity)
        if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, -term.weight);
    }
  }
  if (sums.isEmpty) return feasible.map(() => 0);
  const scores = feasible.map(({ labels }) =>
    Object.entries(labels).reduce((sum, [key, value]) => sum + sums.get(key, value), 0),
  );
  const [min, max] = [Math.min(...scores), Math.max(...scores)];
  return scores.map((score) => (max === min ? 0 : (maxScore * (score - min)) / (max - min)));
}

const megabyte = 1024 * 1024;
/** Images smaller than this do not matter; beyond the upper bound per container more does not matter. */
const imageBounds = { min: 23 * megabyte, max: 1000 * megabyte };

/** Bytes that need not be pulled, scaled down where few nodes have the image, so that not all pods pile up on one node. */
function scoreImages({ pod, feasible, all }: ScoreInput): number[] {
  const spread = new Map(
    pod.images.map((image) => [image, all.filter(({ images }) => images.has(image)).length / all.length]),
  );
  const max = imageBounds.max * Math.max(1, pod.images.length);
  return feasible.map(({ images }) => {
    const bytes = pod.images.reduce((sum, image) => sum + (images.get(image) ?? 0) * (spread.get(image) ?? 0), 0);
    const bounded = Math.min(max, Math.max(imageBounds.min, bytes));
    return (maxScore * (bounded - imageBounds.min)) / (max - imageBounds.min);
  });
}
