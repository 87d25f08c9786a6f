// Which pods to evict so that a pod of higher priority fits: kube-scheduler's default preemption, as a pure function of the current
// state. It respects disruption budgets where it has a choice.
import { matchesSelector, type Selector } from '../api/selector';
import { eventLoop, pausing } from '../base/event-loop';
import type { Steps } from '../base/steps';
import { filterNode, gatherChecks, type Refusal } from './filter';
import { notHelpful, noVictims, renderPreemption } from './message';
import type { NodeInfo } from './node-info';
import { fitsWithNominated } from './nominated';
import { comparisonsPerLook, type SchedulerPlugin, type SchedulingCycle } from './plugins/plugin';
import type { PodInfo } from './pod-info';

export interface PreemptionInput extends SchedulingCycle {
  readonly plugins: readonly SchedulerPlugin[];
  /** Why each node refused the pod, by node name. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** Pods for which preemption frees room on this node. */
  readonly nominated: (node: string) => readonly PodInfo[];
  /** True for a pod that a preemption is about to delete or has deleted. */
  readonly isVictim: (pod: PodInfo) => boolean;
  readonly budgets: readonly Budget[];
  /** Preemption stops after this many candidates, or this part of the nodes if that is more. */
  readonly minCandidates?: MinCandidates;
  /** Where in the list to start, so that not always the same nodes are examined. */
  readonly offset: number;
  readonly now: number;
}

/** The fields of a PodDisruptionBudget that preemption needs. */
export interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  /** How many more of its pods may be evicted. */
  readonly allowed: number;
  /** Names of pods that the budget counts as evicted already. */
  readonly disrupted: ReadonlySet<string>;
}

export type Preemption =
  | { readonly node: string; readonly victims: readonly PodInfo[] }
  /** `gaveUp` is false while an earlier preemption is still under way: the nomination stays. */
  | { readonly node: undefined; readonly gaveUp: boolean; readonly message: string };

/** A node and the pods to evict there. */
export interface Candidate {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of the victims a budget protects. */
  readonly violations: number;
}

export interface MinCandidates {
  readonly absolute: number;
  readonly percentage: number;
}
export const defaultMinCandidates: MinCandidates = { absolute: 100, percentage: 10 };

/** The pods of each candidate are tried one by one against all nodes: in between, the search gives way to other work. */
export function* planPreemption(input: PreemptionInput): Steps<Preemption> {
  const found = yield* findCandidates(input);
  return 'candidates' in found ? planEviction(found.candidates, input) : found;
}

/** The nodes on which evictions help, or why there are none. */
export function* findCandidates(
  input: PreemptionInput,
): Steps<{ readonly candidates: readonly Candidate[] } | (Preemption & { readonly node: undefined })> {
  const { nodes, refusals, offset, minCandidates = defaultMinCandidates } = input;
  const ineligible = whyIneligible(input);
  if (ineligible) return { node: undefined, gaveUp: false, message: ineligible };
  const limit = Math.max(minCandidates.absolute, Math.floor((nodes.length * minCandidates.percentage) / 100));
  const candidates: Candidate[] = [];
  const outcomes: string[] = [];
  for (let i = 0; i < nodes.length && candidates.length < limit; i++) {
    const node = nodes[(offset + i) % nodes.length]!;
    if (!refusals.get(node.name)?.resolvable) {
      outcomes.push(notHelpful);
      continue;
    }
    const found = yield* selectVictims(node, input);
    if ('victims' in found) candidates.push(found);
    else outcomes.push(...found);
  }
  if (candidates.length === 0) {
    return { node: undefined, gaveUp: true, message: renderPreemption(nodes.length, outcomes) };
  }
  return { candidates };
}

/** The best of the candidates. */
export function planEviction(
  candidates: readonly Candidate[],
  { now, pod }: Pick<PreemptionInput, 'now' | 'pod'>,
): Preemption {
  if (candidates.length === 0) return { node: undefined, gaveUp: false, message: 'no candidate node for preemption' };
  const best = pickCandidate(candidates, now);
  return { node: best.node.name, victims: best.victims.filter(({ uid }) => uid !== pod.uid) };
}

/** Why a pod does not preempt: its policy forbids it, or victims of an earlier preemption are still terminating. */
function whyIneligible({ pod, nodes, isVictim }: PreemptionInput): string | undefined {
  const { spec, status } = pod.pod;
  if (spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = nodes.find(({ name }) => name === status?.nominatedNodeName);
  if (!nominated) return undefined;
  for (const other of nominated.pods.values()) {
    if (other.priority < pod.priority && isVictim(other)) {
      return 'not eligible due to a terminating pod on the nominated node.';
    }
  }
  return undefined;
}

/** The fewest and least important pods whose removal makes the pod fit; otherwise the reasons why no removal helps. */
function* selectVictims(node: NodeInfo, input: PreemptionInput): Steps<Candidate | readonly string[]> {
  const { pod, now } = input;
  const lower = [...node.pods.values()].filter(({ priority }) => priority < pod.priority);
  if (lower.length === 0) return [noVictims];
  const left = node.clone();
  for (const { uid } of lower) left.remove(uid);
  const refusal = yield* filterWith(left, input);
  if (refusal) return refusal.reasons;
  // Without all of them the pod fits. Now as many as possible are added again: first pods that a budget protects, then the most
  // important pods.
  const sorted = [...lower].sort((a, b) => moreImportant(a, b, now));
  const guarded = yield* protectedBy(input.budgets, sorted);
  const order = [...sorted.filter((each) => guarded.has(each)), ...sorted.filter((each) => !guarded.has(each))];
  const victims: PodInfo[] = [];
  for (const candidate of order) {
    left.add(candidate);
    if (!(yield* filterWith(left, input))) continue;
    left.remove(candidate.uid);
    victims.push(candidate);
  }
  if (victims.length === 0) return [noVictims];
  victims.sort((a, b) => moreImportant(a, b, now));
  return { node, victims, violations: victims.filter((victim) => guarded.has(victim)).length };
}

/** The pods whose eviction would violate a budget, if the pods were evicted in this order. */
function* protectedBy(budgets: readonly Budget[], pods: readonly PodInfo[]): Steps<ReadonlySet<PodInfo>> {
  const left = budgets.map(({ allowed }) => allowed);
  const result = new Set<PodInfo>();
  const pauseAfter = pausing(comparisonsPerLook);
  for (const pod of pods) {
    const wait = pauseAfter(budgets.length);
    if (wait) yield wait;
    budgets.forEach(({ namespace, selector, disrupted }, i) => {
      const name = pod.pod.metadata?.name ?? '';
      if (namespace !== pod.namespace || disrupted.has(name) || !matchesSelector(selector, pod.labels)) return;
      left[i]! -= 1;
      if (left[i]! < 0) result.add(pod);
    });
  }
  return result;
}

/** Filters the pod on `changed`, a node whose pods are not those of the cluster's state. */
function* filterWith(changed: NodeInfo, input: PreemptionInput): Steps<Refusal | undefined> {
  const wait = eventLoop.pause();
  if (wait) yield wait;
  const { plugins, pod, namespaceLabels } = input;
  const nodes = input.nodes.map((node) => (node.name === changed.name ? changed : node));
  const cycle = { pod, nodes, namespaceLabels };
  const refusal = filterNode(yield* gatherChecks(plugins, cycle), changed);
  return refusal ?? (yield* fitsWithNominated(plugins, cycle, changed, input.nominated(changed.name)));
}

const startOf = ({ pod }: PodInfo, now: number): number => Date.parse(pod.status?.startTime ?? '') || now;

/** Orders by priority, then by start: a pod that runs longer is more important. */
function moreImportant(a: PodInfo, b: PodInfo, now: number): number {
  return b.priority - a.priority || startOf(a, now) - startOf(b, now) || (a.uid < b.uid ? -1 : 1);
}

/**
 * The best node has, in this order: the fewest violated budgets, the lowest highest priority, the smallest sum of priorities, the
 * fewest victims, the latest start of its most important victims. Among equal nodes the first one.
 */
function pickCandidate(candidates: readonly Candidate[], now: number): Candidate {
  // Priorities may be negative. The offset makes them positive, so that more victims never have a smaller sum.
  const sum = (victims: readonly PodInfo[]) => victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  const keys = candidates.map(({ victims, violations }) => {
    const highest = Math.max(...victims.map(({ priority }) => priority));
    const top = victims.filter(({ priority }) => priority === highest);
    return [violations, highest, sum(victims), victims.length, -Math.min(...top.map((victim) => startOf(victim, now)))];
  });
  let best = 0;
  for (let i = 1; i < candidates.length; i++) {
    const at = keys[i]!.findIndex((value, k) => value !== keys[best]![k]);
    if (at >= 0 && keys[i]![at]! < keys[best]![at]!) best = i;
  }
  return candidates[best]!;
}
