// May a new pod run while the node is short of something? Pure. Source: kubernetes.io "Node-pressure Eviction", node conditions.
import { type Pod, qosClass, systemCriticalPriority, tolerates } from '../../../controlplane/api';
import type { PressureCondition } from './signals';

export const evicted = 'Evicted';

/** Such a pod is neither evicted nor refused: the node or the cluster needs it. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const annotations = metadata?.annotations ?? {};
  const source = annotations['kubernetes.io/config.source'];
  const isStatic = source !== undefined && source !== 'api';
  const isMirror = annotations['kubernetes.io/config.mirror'] !== undefined;
  return isStatic || isMirror || (spec?.priority ?? 0) >= systemCriticalPriority;
}

/**
 * Undefined when the pod may run. A node that is only short of memory accepts every pod that requests something, and the others
 * if they tolerate its taint.
 */
export function refusedUnderPressure(
  pod: Pod,
  conditions: readonly PressureCondition[],
): { readonly reason: string; readonly message: string } | undefined {
  if (conditions.length === 0 || isCritical(pod)) return undefined;
  if (conditions.length === 1 && conditions[0] === 'MemoryPressure') {
    const { spec } = pod;
    if (qosClass(spec ?? { containers: [] }) !== 'BestEffort') return undefined;
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const;
    if ((spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint))) return undefined;
  }
  return { reason: evicted, message: `The node had condition: [${conditions.join(' ')}]. ` };
}
