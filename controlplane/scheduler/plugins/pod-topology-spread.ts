// Spreads like pods over the domains of a label, e.g. zones: hard constraints refuse nodes, soft ones rate them. Replicas of a controller
// whose pods have no constraints are spread softly.
import { matchesSelector } from '../../api/selector';
import { hardEffects, matchesNodeAffinity, untolerated } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { PodInfo, SpreadConstraint } from '../pod-info';
import { maxScore, never, notNow, type SchedulerPlugin, type SchedulingCycle } from './plugin';

export const podTopologySpread: SchedulerPlugin = {
  name: 'PodTopologySpread',
  helpedBy: {
    'node-added': (pod, { node }) => hasLabels(node, hardOf(pod)),
    'node-removed': (pod, { node }) => hasLabels(node, hardOf(pod)),
    'node-labels': (pod, { node, previous }) => {
      const hard = hardOf(pod);
      const [now, before] = [hasLabels(node, hard), hasLabels(previous, hard)];
      const moved = hard.some(({ topologyKey }) => node.labels[topologyKey] !== previous.labels[topologyKey]);
      return now !== before || (now && moved);
    },
    'node-taints': (pod, { node }) => hasLabels(node, hardOf(pod)),
    'pod-assigned': (pod, { pod: other }) => isCounted(pod, other),
    'pod-removed': (pod, { pod: other }) => isCounted(pod, other),
    'pod-labels': (pod, { pod: other, previous }) =>
      pod.namespace === other.namespace &&
      hardOf(pod).some((constraint) => matches(constraint, other) !== matches(constraint, previous)),
  },
  filter(cycle) {
    const hard = hardOf(cycle.pod);
    if (hard.length === 0) return undefined;
    const facts = hard.map((constraint) => gather(cycle, constraint, hard));
    return ({ labels }) => {
      for (const { constraint, counts, min, self } of facts) {
        const domain = labels[constraint.topologyKey];
        if (domain === undefined)
          return never("node(s) didn't match pod topology spread constraints (missing required label)");
        if ((counts.get(domain) ?? 0) + self - min > constraint.maxSkew) {
          return notNow("node(s) didn't match pod topology spread constraints");
        }
      }
      return undefined;
    };
  },
  score: { weight: 2, rate },
};

const hardOf = ({ spread }: PodInfo): readonly SpreadConstraint[] => spread.filter(({ hard }) => hard);
const matches = ({ selector }: SpreadConstraint, { labels }: PodInfo): boolean =>
  selector !== undefined && matchesSelector(selector, labels);
/** Whether the other pod counts for a hard constraint of this one. */
const isCounted = (pod: PodInfo, other: PodInfo): boolean =>
  pod.namespace === other.namespace && hardOf(pod).some((constraint) => matches(constraint, other));

interface Facts {
  readonly constraint: SpreadConstraint;
  /** Domain → pods that match. */
  readonly counts: ReadonlyMap<string, number>;
  readonly min: number;
  /** 1 when the pod itself matches. */
  readonly self: 0 | 1;
}

function gather(
  { pod, nodes }: SchedulingCycle,
  constraint: SpreadConstraint,
  hard: readonly SpreadConstraint[],
): Facts {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (!hasLabels(node, hard) || !counted(constraint, pod, node)) continue;
    const domain = node.labels[constraint.topologyKey]!;
    counts.set(domain, (counts.get(domain) ?? 0) + countMatching(constraint, pod, node));
  }
  const min = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values());
  const self = constraint.selector && matchesSelector(constraint.selector, pod.labels) ? 1 : 0;
  return { constraint, counts, min, self };
}

const hasLabels = ({ labels }: NodeInfo, constraints: readonly SpreadConstraint[]): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);

/** Whether a node takes part in the count of a constraint, by its inclusion policies. */
function counted(constraint: SpreadConstraint, pod: PodInfo, node: NodeInfo): boolean {
  if (constraint.honorAffinity && !matchesNodeAffinity(pod, node)) return false;
  return !constraint.honorTaints || untolerated(pod, node.taints, hardEffects) === undefined;
}

function countMatching({ selector }: SpreadConstraint, pod: PodInfo, node: NodeInfo): number {
  if (!selector) return 0;
  let count = 0;
  for (const other of node.pods.values()) {
    if (other.namespace === pod.namespace && !other.terminating && matchesSelector(selector, other.labels)) count++;
  }
  return count;
}

const softDefault = { minDomains: 1, selector: undefined, hard: false, honorAffinity: true, honorTaints: false };
/** The cluster defaults: replicas of one controller over nodes and zones. */
const defaultConstraints: readonly SpreadConstraint[] = [
  { ...softDefault, topologyKey: 'kubernetes.io/hostname', maxSkew: 3 },
  { ...softDefault, topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
];

function rate(cycle: SchedulingCycle, feasible: readonly NodeInfo[]): readonly number[] | undefined {
  const { pod } = cycle;
  const soft = pod.spread.filter(({ hard }) => !hard);
  if (soft.length > 0) {
    const countOn = (constraint: SpreadConstraint, node: NodeInfo) => countMatching(constraint, pod, node);
    return spreadBy(cycle, feasible, { constraints: soft, countOn, needsAllLabels: true });
  }
  const { controller } = pod;
  if (pod.spread.length > 0 || controller === undefined) return undefined;
  const countOn = (_: SpreadConstraint, node: NodeInfo) => node.perController.get(controller) ?? 0;
  return spreadBy(cycle, feasible, { constraints: defaultConstraints, countOn, needsAllLabels: false });
}

interface Spread {
  readonly constraints: readonly SpreadConstraint[];
  readonly countOn: (constraint: SpreadConstraint, node: NodeInfo) => number;
  /** Whether a node without one of the labels counts nowhere and gets 0. */
  readonly needsAllLabels: boolean;
}

/** The fewer like pods share the domains of a node, the better it is. */
function spreadBy({ pod, nodes }: SchedulingCycle, feasible: readonly NodeInfo[], spread: Spread): readonly number[] {
  const { constraints, countOn, needsAllLabels } = spread;
  const ignored = feasible.map((node) => needsAllLabels && !hasLabels(node, constraints));
  const costs = feasible.map(() => 0);
  for (const constraint of constraints) {
    const { topologyKey, maxSkew } = constraint;
    const domains = new Set<string>();
    feasible.forEach(({ labels }, i) => {
      const domain = labels[topologyKey];
      if (!ignored[i] && domain !== undefined) domains.add(domain);
    });
    const counts = new Map<string, number>();
    for (const node of nodes) {
      const domain = node.labels[topologyKey];
      if (domain === undefined || !domains.has(domain) || !counted(constraint, pod, node)) continue;
      if (needsAllLabels && !hasLabels(node, constraints)) continue;
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
