// Resources that a pod requests: the node must have them free. A strategy says which use of a node is best.
import { always } from '../events';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import type { NodeCheck, NodeRefusal, SchedulerPlugin } from './plugin';
import { cpuAndMemory, type ScoringStrategy, strategyScores } from './resource-scoring';

export interface FitArgs {
  /** Extended resources that the filter leaves to others. */
  readonly ignoredResources: readonly string[];
  /** The part of their names before the slash. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

export const fitDefaults: FitArgs = {
  ignoredResources: [],
  ignoredResourceGroups: [],
  scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory },
};

export function nodeResourcesFit(args: FitArgs = fitDefaults): SchedulerPlugin {
  const ignored = new Set(args.ignoredResources);
  const groups = new Set(args.ignoredResourceGroups);
  const isIgnored = (name: string): boolean =>
    name.includes('/') && (ignored.has(name) || groups.has(name.slice(0, name.indexOf('/'))));
  return {
    ...parts,
    filter: (cycle) => filter(cycle.pod, isIgnored),
    score: { weight: 1, rate: ({ pod }, feasible) => strategyScores(args.scoringStrategy, pod, feasible) },
  };
}

function filter(pod: PodInfo, isIgnored: (name: string) => boolean): NodeCheck {
  const wanted = Object.entries(pod.requests).filter(([name, amount]) => amount > 0 && !isIgnored(name));
  return (node) => whatLacks(wanted, node);
}

const parts: Pick<SchedulerPlugin, 'name' | 'helpedBy'> = {
  name: 'NodeResourcesFit',
  helpedBy: {
    'node-added': (pod, { node }) => couldHold(pod, node),
    'node-capacity': (pod, { node, previous }) => couldHold(pod, node) && offersMore(pod, node, previous),
    'pod-removed': always,
    'pod-scaled-down': ({ requests }, { pod, previous }) =>
      Object.keys(requests).some(
        (name) => requests[name]! > 0 && (pod.requests[name] ?? 0) < (previous.requests[name] ?? 0),
      ),
  },
};

/** Whether the empty node has room for the pod. */
function couldHold({ requests }: PodInfo, { allocatable }: NodeInfo): boolean {
  if ((allocatable['pods'] ?? 0) < 1) return false;
  return Object.keys(requests).every((name) => requests[name] === 0 || requests[name]! <= (allocatable[name] ?? 0));
}

/** Whether the node has more of a resource that the pod needs. */
function offersMore({ requests }: PodInfo, { allocatable }: NodeInfo, { allocatable: before }: NodeInfo): boolean {
  const wanted = ['pods', ...Object.keys(requests).filter((name) => requests[name]! > 0)];
  return wanted.some((name) => (allocatable[name] ?? 0) > (before[name] ?? 0));
}

function whatLacks(
  requests: readonly (readonly [name: string, amount: number])[],
  node: NodeInfo,
): NodeRefusal | undefined {
  // The usual case: nothing lacks, and nothing is allocated.
  let reasons: string[] | undefined;
  let resolvable = true;
  if (node.pods.size + 1 > (node.allocatable['pods'] ?? 0)) reasons = ['Too many pods'];
  for (const [name, wanted] of requests) {
    const offered = node.offers(name);
    if (wanted <= offered - node.uses(name)) continue;
    reasons ??= [];
    reasons.push(`Insufficient ${name}`);
    if (wanted > offered) resolvable = false;
  }
  return reasons && { reasons, resolvable };
}
