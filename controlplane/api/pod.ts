// v1 Pod.
import type { V1Pod } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { podColumns } from './pods/columns';
import { defaultPodOnly, defaultPodSpec } from './pods/defaults';
import { podGraceSeconds } from './pods/grace';
import { mergeLabelKeys } from './pods/label-keys';
import { keepObservedGenerations } from './pods/observed-generation';
import { ephemeralContainersPart, resizePart } from './pods/parts';
import { qosClass } from './pods/qos';
import type { PodSpec } from './pods/types';
import { validatePod } from './pods/validate';
import { warnOfPod } from './pods/warnings';
import type { Wire } from './types';

export type Pod = Wire<V1Pod>;

/** The server sets this condition, since schedulers ignore a gated pod and so cannot report why it waits (KEP-3521). */
const gated = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

/** podIP is the first of podIPs. Of two that differ podIP counts, for kubelets that know only that. */
function alignAddresses(status: NonNullable<Pod['status']>): void {
  if (status.podIP && status.podIP !== status.podIPs?.[0]?.ip) status.podIPs = [{ ip: status.podIP }];
  else if (status.podIPs?.[0]?.ip) status.podIP = status.podIPs[0].ip;
}

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1Pod' },
  subresources: [
    { name: 'attach', verbs: ['create', 'get'], kind: 'PodAttachOptions' },
    // Writes the node and the condition PodScheduled. Binding does not change the desired state, so the generation stays.
    { name: 'binding', verbs: ['create'], kind: 'Binding', writes: 'all', keepsGeneration: true },
    { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'], part: ephemeralContainersPart },
    { name: 'eviction', verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
    { name: 'exec', verbs: ['create', 'get'], kind: 'PodExecOptions' },
    { name: 'log', verbs: ['get'] },
    { name: 'portforward', verbs: ['create', 'get'], kind: 'PodPortForwardOptions' },
    {
      name: 'proxy',
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      kind: 'PodProxyOptions',
      takesPath: true,
      furtherMethods: ['HEAD', 'OPTIONS'],
    },
    { name: 'resize', verbs: ['get', 'patch', 'update'], part: resizePart },
  ],
  hasStatus: true,
  // Old kubelets wrote them back in part.
  statusKeeps: ['ownerReferences'],
  defaults: (pod) => {
    pod.spec ??= {} as PodSpec;
    defaultPodSpec(pod.spec);
    defaultPodOnly(pod.spec);
    if (pod.status) alignAddresses(pod.status);
  },
  prepare: (pod, { old, subresource }) => {
    if (old) {
      // A status without a class keeps it, since old kubelets do not repeat it.
      if (old.status?.qosClass && !pod.status?.qosClass) pod.status = { ...pod.status, qosClass: old.status.qosClass };
      if (subresource === 'status') keepObservedGenerations(pod.status, old.status);
      return;
    }
    pod.status = { phase: 'Pending', ...(pod.spec ? { qosClass: qosClass(pod.spec) } : {}) };
    if ((pod.spec?.schedulingGates ?? []).length > 0) {
      pod.status.conditions = [{ ...gated, lastTransitionTime: pod.metadata?.creationTimestamp }];
    }
    if (pod.spec) mergeLabelKeys(pod.spec, pod.metadata?.labels ?? {});
  },
  validate: validatePod,
  warnings: ({ metadata, spec }, { old }) => (old || !spec ? [] : warnOfPod(metadata, spec)),
  columns: podColumns,
  fields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec?.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec?.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    // As upstream: it may be named, and no pod has a value for it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  indexedFields: ['spec.nodeName'],
  deletion: { answersWithObject: true, graceSeconds: podGraceSeconds },
});
