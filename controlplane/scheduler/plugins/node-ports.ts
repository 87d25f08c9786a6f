// Ports of the host that a pod occupies: no two pods of one node may have the same one.
import { hostPortsClash } from '../../api/pods/host-ports';
import { notNow, type SchedulerPlugin } from './plugin';

export const nodePorts: SchedulerPlugin = {
  name: 'NodePorts',
  helpedBy: ['pod-removed'],
  filter({ pod }) {
    if (pod.hostPorts.length === 0) return undefined;
    return (node) => {
      const clash = pod.hostPorts.some((port) => node.hostPorts.some((used) => hostPortsClash(port, used)));
      return clash ? notNow("node(s) didn't have free ports for the requested pod ports") : undefined;
    };
  },
};
