// Affinity and anti-affinity between pods, in both directions: the rules of the pod, and the rules of pods that have a node already.
import { pausing } from '../../base/event-loop';
import type { Steps } from '../../base/steps';
import { DomainCounts, matchesTerm } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { AffinityTerm, PodInfo } from '../pod-info';
import {
  comparisonsPerLook,
  type Filtered,
  maxScore,
  type NodeCheck,
  never,
  notNow,
  type Rated,
  type SchedulerPlugin,
  type SchedulingCycle,
} from './plugin';

export interface InterPodAffinityArgs {
  /** A required affinity of an existing pod counts as a preferred one of this weight, from 0 to 100. */
  readonly hardPodAffinityWeight: number;
  /** For a pod without preferences of its own those of existing pods do not count. */
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

export const interPodAffinityDefaults: InterPodAffinityArgs = {
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
};

export const interPodAffinity = (args: InterPodAffinityArgs = interPodAffinityDefaults): SchedulerPlugin => ({
  name: 'InterPodAffinity',
  helpedBy: {
    'node-added': ({ affinity, antiAffinity }, { node }) =>
      affinity.length === 0 ||
      antiAffinity.length > 0 ||
      affinity.some(({ topologyKey }) => node.labels[topologyKey] !== undefined),
    'node-labels': ({ affinity, antiAffinity }, { node, previous }) =>
      // Such a pod was refused by the anti-affinity of another pod, whose label is not known here: each change counts.
      affinity.length + antiAffinity.length === 0 ||
      affinity.some(
        ({ topologyKey: key }) => node.labels[key] !== undefined && node.labels[key] !== previous.labels[key],
      ) ||
      antiAffinity.some(
        ({ topologyKey: key }) => previous.labels[key] !== undefined && node.labels[key] !== previous.labels[key],
      ),
    'pod-assigned': (pod, { pod: other }) => mayMatchAll(pod.affinity, other),
    'pod-removed': (pod, { pod: other }) =>
      mayMatchAny(pod.antiAffinity, other) || mayMatchAny(other.antiAffinity, pod),
    'pod-labels': (pod, { pod: other, previous }) =>
      pod.affinity.length > mostTermsOfHints ||
      (mayMatchAll(pod.affinity, other) && !mayMatchAll(pod.affinity, previous)) ||
      mayMatchAny(pod.antiAffinity, previous),
  },
  filter: function* (cycle): Steps<Filtered> {
    const facts = yield* gather(cycle);
    const { affinity, antiAffinity } = cycle.pod;
    return affinity.length + antiAffinity.length === 0 && facts.refusedBy.isEmpty ? undefined : check(cycle, facts);
  },
  score: { weight: 2, rate: (cycle, feasible) => rate(cycle, feasible, args) },
});

const termsOf = ({ affinity, antiAffinity, preferredAffinity, preferredAntiAffinity }: PodInfo): number =>
  affinity.length + antiAffinity.length + preferredAffinity.length + preferredAntiAffinity.length;

/** A hint is asked about each pod that waits, after each event. With more terms than this the pod is tried again instead. */
const mostTermsOfHints = 50;

/** Every namespace that a term selects by labels may match: the hint knows no labels of namespaces. */
const mayMatch = (term: AffinityTerm, pod: PodInfo): boolean => matchesTerm(term, pod, undefined);
const mayMatchAll = (terms: readonly AffinityTerm[], pod: PodInfo): boolean =>
  terms.length > 0 && (terms.length > mostTermsOfHints || terms.every((term) => mayMatch(term, pod)));
const mayMatchAny = (terms: readonly AffinityTerm[], pod: PodInfo): boolean =>
  terms.length > mostTermsOfHints || terms.some((term) => mayMatch(term, pod));

interface Facts {
  /** Domains of existing pods that refuse this pod. */
  readonly refusedBy: DomainCounts;
  readonly affinity: DomainCounts;
  readonly antiAffinity: DomainCounts;
}

function* gather({ pod, nodes, namespaceLabels, index }: SchedulingCycle): Steps<Facts> {
  const facts = { refusedBy: new DomainCounts(), affinity: new DomainCounts(), antiAffinity: new DomainCounts() };
  const ownTerms = pod.affinity.length + pod.antiAffinity.length;
  const own = ownTerms > 0;
  const pauseAfter = pausing(comparisonsPerLook);
  for (const node of own ? nodes : (index?.withAffinity ?? nodes)) {
    for (const other of node.withAffinity.values()) {
      const wait = pauseAfter(other.antiAffinity.length);
      if (wait) yield wait;
      for (const term of other.antiAffinity) {
        if (matchesTerm(term, pod, namespaceLabels))
          facts.refusedBy.add(term.topologyKey, node.labels[term.topologyKey]);
      }
    }
    if (!own) continue;
    for (const other of node.pods.values()) {
      const wait = pauseAfter(ownTerms);
      if (wait) yield wait;
      if (pod.affinity.length > 0 && pod.affinity.every((term) => matchesTerm(term, other, namespaceLabels))) {
        for (const { topologyKey } of pod.affinity) facts.affinity.add(topologyKey, node.labels[topologyKey]);
      }
      for (const term of pod.antiAffinity) {
        if (matchesTerm(term, other, namespaceLabels))
          facts.antiAffinity.add(term.topologyKey, node.labels[term.topologyKey]);
      }
    }
  }
  return facts;
}

function check({ pod, namespaceLabels }: SchedulingCycle, facts: Facts): NodeCheck {
  // The first pod of a group that wants to be with its own kind may run anywhere: no other pod of the group exists.
  const isFirst = facts.affinity.isEmpty && pod.affinity.every((term) => matchesTerm(term, pod, namespaceLabels));
  return ({ labels }) => {
    const near = pod.affinity.every(({ topologyKey }) => facts.affinity.get(topologyKey, labels[topologyKey]) > 0);
    if (!near) {
      const labelled = pod.affinity.every(({ topologyKey }) => labels[topologyKey] !== undefined);
      if (!(labelled && isFirst)) return never("node(s) didn't match pod affinity rules");
    }
    if (pod.antiAffinity.some(({ topologyKey }) => facts.antiAffinity.get(topologyKey, labels[topologyKey]) > 0)) {
      return notNow("node(s) didn't match pod anti-affinity rules");
    }
    if (facts.refusedBy.isEmpty) return undefined;
    const refused = facts.refusedBy.keys.some((key) => facts.refusedBy.get(key, labels[key]) > 0);
    return refused ? notNow("node(s) didn't satisfy existing pods anti-affinity rules") : undefined;
  };
}

function* rate(
  { pod, nodes, namespaceLabels, index }: SchedulingCycle,
  feasible: readonly NodeInfo[],
  { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods }: InterPodAffinityArgs,
): Steps<Rated> {
  const sums = new DomainCounts();
  const ownTerms = pod.preferredAffinity.length + pod.preferredAntiAffinity.length;
  const own = ownTerms > 0;
  const pauseAfter = pausing(comparisonsPerLook);
  if (ignorePreferredTermsOfExistingPods && !own) return undefined;
  for (const node of own ? nodes : (index?.withAffinity ?? nodes)) {
    const add = (topologyKey: string, amount: number) => sums.add(topologyKey, node.labels[topologyKey], amount);
    if (own) {
      for (const other of node.pods.values()) {
        const wait = pauseAfter(ownTerms);
        if (wait) yield wait;
        for (const term of pod.preferredAffinity)
          if (matchesTerm(term, other, namespaceLabels)) add(term.topologyKey, term.weight);
        for (const term of pod.preferredAntiAffinity)
          if (matchesTerm(term, other, namespaceLabels)) add(term.topologyKey, -term.weight);
      }
    }
    for (const other of node.withAffinity.values()) {
      const wait = pauseAfter(termsOf(other));
      if (wait) yield wait;
      if (hardPodAffinityWeight > 0) {
        for (const term of other.affinity) {
          if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, hardPodAffinityWeight);
        }
      }
      for (const term of other.preferredAffinity)
        if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, term.weight);
      for (const term of other.preferredAntiAffinity)
        if (matchesTerm(term, pod, namespaceLabels)) add(term.topologyKey, -term.weight);
    }
  }
  if (sums.isEmpty) return undefined;
  const scores = feasible.map(({ labels }) => sums.keys.reduce((sum, key) => sum + sums.get(key, labels[key]), 0));
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const score of scores) {
    min = Math.min(min, score);
    max = Math.max(max, score);
  }
  return max === min ? undefined : scores.map((score) => Math.trunc(maxScore * ((score - min) / (max - min))));
}
