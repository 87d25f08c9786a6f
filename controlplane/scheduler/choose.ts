// One scheduling decision: filters, then scores, on the current state. Pure; `random` chooses among equal nodes.
import { pausing } from '../base/event-loop';
import { isSteps, type Steps } from '../base/steps';
import { filterNode, gatherChecks, type Refusal } from './filter';
import type { NodeInfo } from './node-info';
import { fitsWithNominated } from './nominated';
import { comparisonsPerLook, type SchedulerPlugin, type SchedulingCycle } from './plugins/plugin';
import type { PodInfo } from './pod-info';
import { scoreNodes } from './score';

export interface ChooseInput extends SchedulingCycle {
  /** In the order in which they refuse. */
  readonly plugins: readonly SchedulerPlugin[];
  /** In a stable order. */
  readonly nodes: readonly NodeInfo[];
  /** Where in the list to start: in large clusters a decision examines only a part of the nodes. */
  readonly offset: number;
  /** Of this part of the nodes, in percent, enough is known when they fit; 0 or absent: upstream's adaptive part. */
  readonly percentageOfNodesToScore?: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Pods for which preemption frees room on this node; none by default. */
  readonly nominated?: (node: string) => readonly PodInfo[];
}

export type Choice =
  | { readonly node: NodeInfo; readonly examined: number }
  | {
      readonly node: undefined;
      readonly examined: number;
      /** By node: all nodes have one. */
      readonly refusals: ReadonlyMap<string, Refusal>;
      /** Present when the pod was refused before any node was checked. */
      readonly podRefusal?: Refusal;
    };

/** In a cluster of at most this many nodes, all nodes that fit are scored. */
const enough = 100;

/** The nodes that fit, and why the others do not. */
export interface Feasible {
  readonly feasible: readonly NodeInfo[];
  readonly examined: number;
  /** By node; all nodes have one when none is feasible. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  readonly podRefusal?: Refusal;
  /** The only feasible node is the one that preemption keeps for the pod; no other was examined. */
  readonly reserved: boolean;
}

/** A pod with thousands of terms takes long in a large cluster: then the decision gives way to other work. The state may change meanwhile. */
export function* choose(input: ChooseInput): Steps<Choice> {
  const { feasible, examined, refusals, podRefusal } = yield* findFeasible(input);
  if (feasible.length === 0) return { node: undefined, examined, refusals, ...(podRefusal ? { podRefusal } : {}) };
  if (feasible.length === 1) return { node: feasible[0]!, examined };
  return { node: pickBest(feasible, yield* scoreNodes(input.plugins, input, feasible), input.random), examined };
}

/** With `everywhere`, the node that is kept for the pod is one like all others. */
export function* findFeasible(input: ChooseInput, everywhere = false): Steps<Feasible> {
  const { plugins, pod, nodes, offset, nominated = () => [] } = input;
  const checks = yield* gatherChecks(plugins, input);
  if (checks.refusal) {
    const podRefusal = checks.refusal;
    const refusals = new Map(nodes.map(({ name }) => [name, podRefusal]));
    return { feasible: [], examined: 0, refusals, podRefusal, reserved: false };
  }
  const pauseAfter = pausing(comparisonsPerLook);
  const work = comparisonsPerNode(pod);
  const refuse = (node: NodeInfo): Refusal | undefined | Steps<Refusal | undefined> => {
    const refusal = filterNode(checks, node);
    if (refusal) return refusal;
    const others = nominated(node.name);
    return others.length === 0 ? undefined : fitsWithNominated(plugins, input, node, others);
  };
  // Preemption freed room for the pod on this node: if the pod fits there, no other node is examined.
  const own = everywhere ? undefined : pod.pod.status?.nominatedNodeName;
  const kept = own ? nodes.find(({ name }) => name === own) : undefined;
  const keptRefused = kept && refuse(kept);
  if (kept && !(isSteps(keptRefused) ? yield* keptRefused : keptRefused))
    return { feasible: [kept], examined: 0, refusals: new Map(), reserved: true };
  const { only } = checks;
  const candidates = only ? nodes.filter(({ name }) => only.has(name)) : nodes;
  const limit = feasibleLimit(candidates.length, input.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  const refusals = new Map<string, Refusal>();
  let examined = 0;
  while (examined < candidates.length && feasible.length < limit) {
    const node = candidates[(offset + examined++) % candidates.length]!;
    const wait = pauseAfter(work);
    if (wait) yield wait;
    const found = refuse(node);
    const refusal = isSteps(found) ? yield* found : found;
    if (refusal) refusals.set(node.name, refusal);
    else feasible.push(node);
  }
  if (feasible.length === 0 && only) {
    for (const { name } of nodes) if (!refusals.has(name)) refusals.set(name, checks.elsewhere!);
  }
  return { feasible, examined, refusals, reserved: false };
}

/** What the checks of one node compare: a plain pod counts little. */
const comparisonsPerNode = ({ requiredNodeTerms, tolerations, affinity, antiAffinity }: PodInfo): number =>
  10 + (requiredNodeTerms?.length ?? 0) + tolerations.length + affinity.length + antiAffinity.length;

/** kube-scheduler's adaptive sample: half of the nodes, a smaller part in very large clusters, never under 100. */
export function feasibleLimit(nodes: number, percentage = 0): number {
  if (nodes <= enough) return nodes;
  const percent = percentage || Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(enough, Math.floor((nodes * percent) / 100));
}

/** One of the nodes with the highest score. */
export function pickBest(nodes: readonly NodeInfo[], scores: readonly number[], random: () => number): NodeInfo {
  let best = Number.NEGATIVE_INFINITY;
  for (const score of scores) best = Math.max(best, score);
  const top = nodes.filter((_, i) => scores[i]! >= best);
  return top[Math.floor(random() * top.length)]!;
}
