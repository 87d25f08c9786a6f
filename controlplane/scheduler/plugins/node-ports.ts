// Ports of the host that a pod occupies: no two pods of one node may have the same one.
import { type HostPort, hostPortsClash } from '../../api/pods/host-ports';
import { always } from '../events';
import { notNow, type SchedulerPlugin } from './plugin';

const clash = (wanted: readonly HostPort[], used: readonly HostPort[]): boolean =>
  wanted.some((port) => used.some((other) => hostPortsClash(port, other)));

export const nodePorts: SchedulerPlugin = {
  name: 'NodePorts',
  helpedBy: {
    'node-added': always,
    'pod-removed': ({ hostPorts }, { pod }) => clash(hostPorts, pod.hostPorts),
  },
  filter({ pod }) {
    if (pod.hostPorts.length === 0) return undefined;
    return (node) =>
      clash(pod.hostPorts, node.hostPorts)
        ? notNow("node(s) didn't have free ports for the requested pod ports")
        : undefined;
  },
};
