// nodeSelector and node affinity of a pod: required terms refuse nodes, preferred terms make them better.
import { matchesNodeTerm } from '../../api/pods/placement';
import type { PodSpec } from '../../api/pods/types';
import { pausing } from '../../base/event-loop';
import type { Steps } from '../../base/steps';
import { matchesNodeAffinity } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { comparisonsPerLook, maxScore, never, type Rated, type SchedulerPlugin } from './plugin';

/** The only nodes that the terms allow, when each of them names nodes (metadata.name), as those of a DaemonSet do. */
function nodesByName({ requiredNodeTerms = [] }: PodInfo): ReadonlySet<string> | undefined {
  if (requiredNodeTerms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of requiredNodeTerms) {
    const lists = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    const [first, ...others] = lists.map(({ values = [] }) => values);
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((values) => values.includes(name))) names.add(name);
  }
  return names;
}

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;

export interface NodeAffinityArgs {
  /** Holds for every pod, in addition to the pod's own. */
  readonly addedAffinity?: NodeAffinity;
}

/** A hint is asked about each pod that waits, after each change of a node. With more terms than this the pod is tried again instead. */
const mostTermsOfHints = 50;
const hasMany = ({ requiredNodeTerms = [] }: PodInfo): boolean => requiredNodeTerms.length > mostTermsOfHints;

export function nodeAffinity({ addedAffinity = {} }: NodeAffinityArgs = {}): SchedulerPlugin {
  const enforced = addedAffinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const preferred = (addedAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
    ({ weight, preference }) => ({ weight, term: preference }),
  );
  const allowed = (node: NodeInfo) => enforced === undefined || enforced.some((term) => matchesNodeTerm(term, node));
  return {
    name: 'NodeAffinity',
    helpedBy: {
      'node-added': (pod, { node }) => hasMany(pod) || (allowed(node) && matchesNodeAffinity(pod, node)),
      'node-labels': (pod, { node, previous }) =>
        hasMany(pod) ||
        (allowed(node) && matchesNodeAffinity(pod, node) && !(allowed(previous) && matchesNodeAffinity(pod, previous))),
    },
    filter({ pod }) {
      const own = pod.requiredNodeTerms !== undefined || Object.keys(pod.nodeSelector).length > 0;
      if (!own && enforced === undefined) return undefined;
      const only = nodesByName(pod);
      if (only?.size === 0) return { refusal: never('pod affinity terms conflict') };
      const check = (node: NodeInfo) => {
        if (!allowed(node)) return never("node(s) didn't match scheduler-enforced node affinity");
        return matchesNodeAffinity(pod, node) ? undefined : never("node(s) didn't match Pod's node affinity/selector");
      };
      return only ? { only, check } : check;
    },
    score: {
      weight: 2,
      rate({ pod }, feasible) {
        const terms = [...preferred, ...pod.preferredNodeTerms];
        if (terms.length === 0) return undefined;
        return rate(terms, feasible);
      },
    },
  };
}

function* rate(terms: PodInfo['preferredNodeTerms'], feasible: readonly NodeInfo[]): Steps<Rated> {
  const pauseAfter = pausing(comparisonsPerLook);
  const sums: number[] = [];
  for (const node of feasible) {
    const wait = pauseAfter(terms.length);
    if (wait) yield wait;
    sums.push(terms.reduce((sum, { weight, term }) => sum + (matchesNodeTerm(term, node) ? weight : 0), 0));
  }
  const max = sums.reduce((most, sum) => Math.max(most, sum), 0);
  return max === 0 ? undefined : sums.map((sum) => Math.trunc((maxScore * sum) / max));
}
