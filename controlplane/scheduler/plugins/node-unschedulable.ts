// A cordoned node takes only pods that tolerate the taint of a cordon.
import { hardEffects, untolerated } from '../affinity';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { never, type SchedulerPlugin } from './plugin';

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

const toleratesCordon = (pod: PodInfo): boolean => !untolerated(pod, [cordonTaint], hardEffects);
const admits = (pod: PodInfo, node: NodeInfo): boolean => !node.unschedulable || toleratesCordon(pod);

export const nodeUnschedulable: SchedulerPlugin = {
  name: 'NodeUnschedulable',
  helpedBy: {
    'node-added': (pod, { node }) => admits(pod, node),
    'node-taints': (pod, { node, previous }) => admits(pod, node) && !admits(pod, previous),
  },
  filter({ pod }) {
    if (toleratesCordon(pod)) return undefined;
    return (node) => (node.unschedulable ? never('node(s) were unschedulable') : undefined);
  },
};
