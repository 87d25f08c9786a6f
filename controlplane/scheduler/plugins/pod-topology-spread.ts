// Spreads like pods over the domains of a label, e.g. zones: hard constraints refuse nodes, soft ones rate them. Pods without
// constraints of their own are spread by those of the profile, if a controller or a Service says which pods are like them.
import { matchesSelector, type Selector } from '../../api/selector';
import { hardEffects, matchesNodeAffinity, untolerated } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { PodInfo, SpreadConstraint } from '../pod-info';
import { type ClusterIndex, maxScore, never, notNow, type SchedulerPlugin, type SchedulingCycle } from './plugin';

/** A constraint of a profile: the pods that it counts follow from the pod. */
export type DefaultConstraint = Omit<SpreadConstraint, 'selector'>;

export interface TopologySpreadArgs {
  /** Of pods without constraints. */
  readonly defaultConstraints: readonly DefaultConstraint[];
  /** A node without one of the labels counts for no constraint, and gets 0. False for the constraints of upstream's defaults. */
  readonly requireAllLabels: boolean;
}

export interface TopologySpreadDeps {
  /** The selectors of the Services of a namespace that select pods with these labels. */
  readonly serviceSelectors: (namespace: string, labels: Readonly<Record<string, string>>) => readonly Selector[];
}

const inclusion = { minDomains: 1, honorAffinity: true, honorTaints: false };
export const hostnameLabel = 'kubernetes.io/hostname';
/** Replicas of one controller over nodes and zones: upstream's constraints for whole clusters. */
export const systemConstraints: TopologySpreadArgs = {
  requireAllLabels: false,
  defaultConstraints: [
    { ...inclusion, hard: false, topologyKey: hostnameLabel, maxSkew: 3 },
    { ...inclusion, hard: false, topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ],
};
const noServices: TopologySpreadDeps = { serviceSelectors: () => [] };

/** Constraints with what they count. */
interface Counted {
  readonly constraints: readonly DefaultConstraint[];
  readonly requireAllLabels: boolean;
  readonly count: (constraint: DefaultConstraint, node: NodeInfo) => number;
  /** The nodes for which the count may be above 0; absent: all. */
  readonly nodes?: (index: ClusterIndex) => Iterable<NodeInfo>;
  readonly matches: (constraint: DefaultConstraint, pod: PodInfo) => boolean;
}

export function podTopologySpread(
  args: TopologySpreadArgs = systemConstraints,
  { serviceSelectors }: TopologySpreadDeps = noServices,
): SchedulerPlugin {
  const hardOf = (pod: PodInfo): Counted => constraintsOf(pod, true);

  function constraintsOf(pod: PodInfo, hard: boolean): Counted {
    if (pod.spread.length > 0)
      return bySelector(
        pod,
        pod.spread.filter((each) => each.hard === hard),
        true,
      );
    const constraints = args.defaultConstraints.filter((each) => each.hard === hard);
    const { requireAllLabels } = args;
    if (constraints.length === 0) return nothing;
    const { controller } = pod;
    if (controller !== undefined) {
      return {
        constraints,
        requireAllLabels,
        count: (_, node) => node.perController.get(controller) ?? 0,
        nodes: (index) => index.nodesOf(controller),
        matches: (_, other) => other.controller === controller,
      };
    }
    const selector = serviceSelectors(pod.namespace, pod.labels).flat();
    if (selector.length === 0) return nothing;
    return bySelector(
      pod,
      constraints.map((each) => ({ ...each, selector })),
      requireAllLabels,
    );
  }

  return {
    name: 'PodTopologySpread',
    helpedBy: {
      'node-added': (pod, { node }) => hasLabels(node, hardOf(pod).constraints),
      'node-removed': (pod, { node }) => hasLabels(node, hardOf(pod).constraints),
      'node-labels': (pod, { node, previous }) => {
        const { constraints } = hardOf(pod);
        const [now, before] = [hasLabels(node, constraints), hasLabels(previous, constraints)];
        const moved = constraints.some(({ topologyKey }) => node.labels[topologyKey] !== previous.labels[topologyKey]);
        return now !== before || (now && moved);
      },
      'node-taints': (pod, { node }) => hasLabels(node, hardOf(pod).constraints),
      'pod-assigned': (pod, { pod: other }) => concerns(hardOf(pod), pod, other),
      'pod-removed': (pod, { pod: other }) => concerns(hardOf(pod), pod, other),
      'pod-labels': (pod, { pod: other, previous }) => {
        const { constraints, matches } = hardOf(pod);
        if (pod.namespace !== other.namespace) return false;
        return constraints.some((each) => matches(each, other) !== matches(each, previous));
      },
    },
    filter(cycle) {
      const hard = hardOf(cycle.pod);
      if (hard.constraints.length === 0) return undefined;
      const facts = hard.constraints.map((constraint) => gather(cycle, constraint, hard));
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
    score: {
      weight: 2,
      rate(cycle, feasible) {
        const soft = constraintsOf(cycle.pod, false);
        return soft.constraints.length === 0 ? undefined : spreadBy(cycle, feasible, soft);
      },
    },
  };
}

const nothing: Counted = { constraints: [], requireAllLabels: true, count: () => 0, matches: () => false };

function bySelector(pod: PodInfo, list: readonly SpreadConstraint[], requireAllLabels: boolean): Counted {
  const selectorOf = new Map<DefaultConstraint, Selector | undefined>(list.map((each) => [each, each.selector]));
  return {
    constraints: list,
    requireAllLabels,
    count: (constraint, node) => countMatching(selectorOf.get(constraint), pod.namespace, node),
    matches(constraint, { labels }) {
      const selector = selectorOf.get(constraint);
      return selector !== undefined && matchesSelector(selector, labels);
    },
  };
}

/** An empty selector counts no pod, as upstream. */
function countMatching(selector: Selector | undefined, namespace: string, node: NodeInfo): number {
  if (!selector || selector.length === 0) return 0;
  let count = 0;
  for (const other of node.pods.values()) {
    if (other.namespace === namespace && !other.terminating && matchesSelector(selector, other.labels)) count++;
  }
  return count;
}

/** Whether the other pod counts for a constraint of this one. */
const concerns = ({ constraints, matches }: Counted, pod: PodInfo, other: PodInfo): boolean =>
  pod.namespace === other.namespace && constraints.some((constraint) => matches(constraint, other));

interface Facts {
  readonly constraint: DefaultConstraint;
  /** Domain → pods that match. */
  readonly counts: ReadonlyMap<string, number>;
  readonly min: number;
  /** 1 when the pod itself matches. */
  readonly self: 0 | 1;
}

function gather({ pod, nodes }: SchedulingCycle, constraint: DefaultConstraint, hard: Counted): Facts {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (!hasLabels(node, hard.constraints) || !isIncluded(constraint, pod, node)) continue;
    const domain = node.labels[constraint.topologyKey]!;
    counts.set(domain, (counts.get(domain) ?? 0) + hard.count(constraint, node));
  }
  let min = Number.POSITIVE_INFINITY;
  for (const count of counts.values()) min = Math.min(min, count);
  const self = hard.matches(constraint, pod) ? 1 : 0;
  return { constraint, counts, min: counts.size < constraint.minDomains ? 0 : min, self };
}

const hasLabels = ({ labels }: NodeInfo, constraints: readonly DefaultConstraint[]): boolean =>
  constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);

/** Whether a node takes part in the count of a constraint, by its inclusion policies. */
function isIncluded(constraint: DefaultConstraint, pod: PodInfo, node: NodeInfo): boolean {
  if (constraint.honorAffinity && !matchesNodeAffinity(pod, node)) return false;
  return !constraint.honorTaints || untolerated(pod, node.taints, hardEffects) === undefined;
}

/** The fewer like pods share the domains of a node, the better it is. */
function spreadBy(cycle: SchedulingCycle, feasible: readonly NodeInfo[], soft: Counted): readonly number[] {
  const { pod, index } = cycle;
  const { constraints, requireAllLabels, count } = soft;
  const nodes = (index && soft.nodes?.(index)) ?? cycle.nodes;
  const ignored = feasible.map((node) => requireAllLabels && !hasLabels(node, constraints));
  const rated = feasible.filter((_, i) => !ignored[i]);
  const costs = feasible.map(() => 0);
  for (const constraint of constraints) {
    const { topologyKey, maxSkew } = constraint;
    // Each node is its own domain of the hostname label, whose pods need no count over all nodes.
    const perNode = topologyKey === hostnameLabel;
    const counts = new Map<string, number>();
    if (!perNode) {
      for (const { labels } of rated) counts.set(labels[topologyKey] ?? '', 0);
      for (const node of nodes) {
        // Pods may still name a node that is gone.
        if (node.node === undefined) continue;
        if (requireAllLabels && !hasLabels(node, constraints)) continue;
        const before = counts.get(node.labels[topologyKey] ?? '');
        if (before === undefined || !isIncluded(constraint, pod, node)) continue;
        counts.set(node.labels[topologyKey] ?? '', before + count(constraint, node));
      }
    }
    // More domains make each one weigh more, else hostname would never outweigh zone.
    const weight = Math.log((perNode ? rated.length : counts.size) + 2);
    feasible.forEach((node, i) => {
      const domain = node.labels[topologyKey];
      if (ignored[i] || domain === undefined) return;
      const pods = perNode ? count(constraint, node) : (counts.get(domain) ?? 0);
      costs[i] = costs[i]! + pods * weight + (maxSkew - 1);
    });
  }
  return normalized(costs.map(Math.round), ignored);
}

/** The least cost becomes 100. */
function normalized(costs: readonly number[], ignored: readonly boolean[]): readonly number[] {
  let max = 0;
  let min = Number.POSITIVE_INFINITY;
  costs.forEach((cost, i) => {
    if (ignored[i]) return;
    max = Math.max(max, cost);
    min = Math.min(min, cost);
  });
  return costs.map((cost, i) => {
    if (ignored[i]) return 0;
    return max === 0 ? maxScore : Math.trunc((maxScore * (max + min - cost)) / max);
  });
}
