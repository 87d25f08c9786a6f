// Taints of a node: hard ones refuse pods that do not tolerate them, soft ones make the node a worse choice.
import { hardEffects, untolerated } from '../affinity';
import type { NodeInfo, Taint } from '../node-info';
import type { PodInfo } from '../pod-info';
import { maxScore, never, type SchedulerPlugin } from './plugin';

const softEffects = ['PreferNoSchedule'];

const refusingTaint = (pod: PodInfo, { taints }: NodeInfo): Taint | undefined =>
  taints.length > 0 ? untolerated(pod, taints, hardEffects) : undefined;

export const taintToleration: SchedulerPlugin = {
  name: 'TaintToleration',
  helpedBy: {
    'node-added': (pod, { node }) => !refusingTaint(pod, node),
    'node-taints': (pod, { node, previous }) => !refusingTaint(pod, node) && refusingTaint(pod, previous) !== undefined,
  },
  filter:
    ({ pod }) =>
    (node) => {
      const taint = refusingTaint(pod, node);
      return taint && never('node(s) had untolerated taint(s)');
    },
  score: {
    weight: 3,
    rate({ pod }, feasible) {
      if (feasible.every(({ taints }) => taints.length === 0)) return undefined;
      const counts = feasible.map(
        ({ taints }) => taints.filter((taint) => untolerated(pod, [taint], softEffects) !== undefined).length,
      );
      const max = counts.reduce((most, count) => Math.max(most, count), 0);
      return max === 0 ? undefined : counts.map((count) => maxScore - Math.trunc((maxScore * count) / max));
    },
  },
};
