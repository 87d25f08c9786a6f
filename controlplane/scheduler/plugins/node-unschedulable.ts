// A cordoned node takes only pods that tolerate the taint of a cordon.
import { hardEffects, untolerated } from '../affinity';
import { never, type SchedulerPlugin } from './plugin';

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: SchedulerPlugin = {
  name: 'NodeUnschedulable',
  helpedBy: ['node-taints'],
  filter({ pod }) {
    if (!untolerated(pod, [cordonTaint], hardEffects)) return undefined;
    return (node) => (node.unschedulable ? never('node(s) were unschedulable') : undefined);
  },
};
