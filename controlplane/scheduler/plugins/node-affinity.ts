// nodeSelector and node affinity of a pod: required terms refuse nodes, preferred terms make them better.
import { matchesNodeTerm } from '../../api/pods/placement';
import { matchesNodeAffinity } from '../affinity';
import { maxScore, never, type SchedulerPlugin } from './plugin';

export const nodeAffinity: SchedulerPlugin = {
  name: 'NodeAffinity',
  helpedBy: ['node-labels'],
  filter({ pod }) {
    if (pod.requiredNodeTerms === undefined && Object.keys(pod.nodeSelector).length === 0) return undefined;
    return (node) =>
      matchesNodeAffinity(pod, node) ? undefined : never("node(s) didn't match Pod's node affinity/selector");
  },
  score: {
    weight: 2,
    rate({ pod }, feasible) {
      if (pod.preferredNodeTerms.length === 0) return undefined;
      const sums = feasible.map((node) =>
        pod.preferredNodeTerms.reduce((sum, { weight, term }) => sum + (matchesNodeTerm(term, node) ? weight : 0), 0),
      );
      const max = Math.max(0, ...sums);
      return max === 0 ? undefined : sums.map((sum) => (maxScore * sum) / max);
    },
  },
};
