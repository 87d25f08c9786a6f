// Taints of a node: hard ones refuse pods that do not tolerate them, soft ones make the node a worse choice.
import { hardEffects, untolerated } from '../affinity';
import { maxScore, never, type SchedulerPlugin } from './plugin';

const softEffects = ['PreferNoSchedule'];

export const taintToleration: SchedulerPlugin = {
  name: 'TaintToleration',
  helpedBy: ['node-taints'],
  filter:
    ({ pod }) =>
    ({ taints }) => {
      const taint = taints.length > 0 ? untolerated(pod, taints, hardEffects) : undefined;
      return taint && never(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
    },
  score: {
    weight: 3,
    rate({ pod }, feasible) {
      const counts = feasible.map(
        ({ taints }) => taints.filter((taint) => untolerated(pod, [taint], softEffects) !== undefined).length,
      );
      const max = Math.max(0, ...counts);
      return max === 0 ? undefined : counts.map((count) => maxScore - (maxScore * count) / max);
    },
  },
};
