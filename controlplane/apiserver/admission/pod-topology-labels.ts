// PodTopologyLabels: a pod gets the zone and the region of its node as labels, when it is bound or created with a node. Containers read them
// by the downward API. A label that the pod has stays.
import { nodes, type Pod, pods } from '../../api/index';
import type { OpenRule } from '../write/rule';
import { createsPod } from './pod-creation';

const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export const podTopologyLabels: OpenRule = ({ cache }) => ({
  name: 'PodTopologyLabels',
  concerns: (write) =>
    createsPod(write) ||
    (write.operation === 'update' && write.kind.prefix === pods.prefix && write.subresource === 'binding'),
  mutate({ object }) {
    const pod = object as Pod;
    const { nodeName } = pod.spec ?? {};
    const labels = nodeName ? cache.kind(nodes).get(nodeName)?.object.metadata?.labels : undefined;
    const copied = topologyLabels.flatMap((key) => {
      const value = labels?.[key];
      return value === undefined || pod.metadata?.labels?.[key] !== undefined ? [] : [[key, value] as const];
    });
    if (copied.length > 0) {
      pod.metadata = { ...pod.metadata, labels: { ...pod.metadata?.labels, ...Object.fromEntries(copied) } };
    }
  },
});
