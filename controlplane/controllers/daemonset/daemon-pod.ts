// The pod of a DaemonSet for one node. Pure.
import { type DaemonSet, templateGeneration } from '../../api/daemon-set';
import { notReadyTaint, unreachableTaint } from '../../api/node-taints';
import type { Pod } from '../../api/pod';
import type { PodSpec } from '../../api/pods/types';
import type { OwnerReference } from '../../api/types';
import { revisionHashLabel } from '../shared/revisions';

/** Tolerations that every daemon pod gets: it stays on its node in every state of the node. */
const nodeTroubles: readonly (readonly [key: string, effect: string])[] = [
  [notReadyTaint, 'NoExecute'],
  [unreachableTaint, 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];

export function withTolerations(spec: PodSpec): PodSpec {
  const troubles = [...nodeTroubles];
  if (spec.hostNetwork) troubles.push(['node.kubernetes.io/network-unavailable', 'NoSchedule']);
  const own = spec.tolerations ?? [];
  const added = troubles
    .filter(
      ([key, effect]) => !own.some((each) => each.key === key && each.effect === effect && each.operator === 'Exists'),
    )
    .map(([key, effect]) => ({ key, operator: 'Exists', effect }));
  return { ...spec, tolerations: [...own, ...added] };
}

/** The pod for one node. The scheduler binds it, and its affinity allows only that node. */
export function renderPod(set: DaemonSet, node: string, hash: string, owner: OwnerReference): Pod {
  const { metadata, spec = { containers: [] } } = set.spec?.template ?? {};
  const only = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] };
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    // The terms of the template are checked already. This term replaces them, since terms are alternatives.
    requiredDuringSchedulingIgnoredDuringExecution: only,
  };
  return {
    metadata: {
      generateName: `${set.metadata?.name}-`,
      namespace: set.metadata?.namespace,
      labels: {
        ...metadata?.labels,
        [revisionHashLabel]: hash,
        'pod-template-generation': String(templateGeneration(set)),
      },
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [owner],
    },
    spec: { ...withTolerations(spec), affinity: { ...spec.affinity, nodeAffinity } },
  };
}
