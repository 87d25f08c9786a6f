// Container labels are the only record of which container belongs to which pod and sandbox. A restarted kubelet reads them.
import type { ContainerRecord } from './runtime';

export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  type: 'io.kubernetes.docker.type',
  /** How often this container of the pod was started before, counted over kubelet restarts. */
  restartCount: 'k8ts.dev/restart-count',
  /** Attempt number of a sandbox; containers of an older sandbox are dead. */
  sandboxId: 'k8ts.dev/sandbox-id',
  /** Digest of the container's spec fields whose change restarts it. */
  specHash: 'k8ts.dev/spec-hash',
  /** The pod's addresses, joined by commas; the first is its main address. */
  podIps: 'k8ts.dev/pod-ip',
  /** Of a sandbox: the container runtime of the whole pod. */
  runtimeHandler: 'k8ts.dev/runtime-handler',
  /** The memory request with which it was created: the kernel does not know it, but a resize policy may ask for a restart. */
  memoryRequest: 'k8ts.dev/memory-request',
  /** Host path of the termination message file. */
  terminationLog: 'k8ts.dev/termination-log',
  /** Grace in seconds for containers whose pod is no longer known. */
  graceSeconds: 'k8ts.dev/grace-seconds',
} as const;

export const sandboxType = 'podsandbox';
export const containerType = 'container';
export const sandboxContainerName = 'POD';

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export const podLabels = (pod: PodIdentity): Record<string, string> => ({
  [labels.podName]: pod.name,
  [labels.podNamespace]: pod.namespace,
  [labels.podUid]: pod.uid,
});

export const runtimeName = (pod: PodIdentity, container: string, attempt: number): string =>
  `k8s_${container}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}`;

export const isSandbox = (record: Pick<ContainerRecord, 'labels'>): boolean =>
  record.labels[labels.type] === sandboxType;

export const restartCountOf = (record: ContainerRecord): number => Number(record.labels[labels.restartCount] ?? 0);

export const podOf = (record: Pick<ContainerRecord, 'labels'>): PodIdentity => ({
  name: record.labels[labels.podName] ?? '',
  namespace: record.labels[labels.podNamespace] ?? '',
  uid: record.labels[labels.podUid] ?? '',
});

/** The addresses of a sandbox; empty on the node's network. */
export const podIpsOf = ({
  labels: { [labels.podIps]: text = '' },
}: Pick<ContainerRecord, 'labels'>): readonly string[] => (text === '' ? [] : text.split(','));

/** Of a sandbox; undefined for one in the default runtime. */
export const runtimeHandlerOf = ({ labels: own }: Pick<ContainerRecord, 'labels'>): string | undefined =>
  own[labels.runtimeHandler];
