// The Node object that this kubelet reports. Pure.
import { conntrackFullCondition, type Node } from '../../../controlplane/api';
import { volumesDirectory } from '../../../controlplane/api/volumes/binding';
import { formatTime } from '../../../controlplane/base/clock';
import type { ConnectionTable } from '../../../dataplane/hops/settings';
import type { PressureCondition } from '../eviction/signals';
import type { ImageRecord, RuntimeInfo } from '../runtime/runtime';
import { volumesFolder } from '../volumes/persistent/provisioned';
import { machineCapacity, withCapacityOf } from './capacity';
import type { MachineFacts } from './facts';
import type { NodePolicy } from './policy';
import { type Amounts, allocatable } from './reservations';

export interface NodeInput {
  readonly name: string;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  readonly maxPods: number;
  readonly policy: NodePolicy;
  readonly machine: MachineFacts;
  readonly runtime: RuntimeInfo;
  readonly images: readonly ImageRecord[];
  readonly diskBytes: number;
  /** What the node runs short of. */
  readonly pressures: readonly PressureCondition[];
  /** The kernel's table of connections; absent when the caller does not know. */
  readonly connections?: ConnectionTable;
  /** Names of attachable volumes that the node uses; absent when the caller does not know. */
  readonly volumesInUse?: readonly string[];
  /** Resources of device plug-ins: all devices, and those that are healthy. */
  readonly devices?: { readonly capacity: Amounts; readonly allocatable: Amounts };
  /** Why pods cannot run; undefined when they can. */
  readonly notReady: string | undefined;
  readonly now: number;
}

type NodeStatus = NonNullable<Node['status']>;
type NodeCondition = NonNullable<NodeStatus['conditions']>[number];

/** As upstream: enough for schedulers that prefer nodes with the image, without making the object large. */
const maxImages = 50;

/** What other parts of the cluster read of this kubelet's set-up. */
export const nodeAnnotations = (rootDir: string): Record<string, string> => ({
  'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
  [volumesDirectory]: volumesFolder(rootDir),
});

export function nodeLabels({ name, labels, machine }: NodeInput): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    ...labels,
  };
}

export function nodeStatus(input: NodeInput, previous: NodeStatus | undefined): NodeStatus {
  const { machine, runtime } = input;
  const capacity = {
    ...withCapacityOf(previous?.capacity, machineCapacity({ ...input, ...input.policy })),
    ...input.devices?.capacity,
  };
  return {
    addresses: [
      ...input.ips.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: input.name },
    ],
    capacity,
    allocatable: { ...allocatable(capacity, input.policy), ...input.devices?.allocatable },
    conditions: conditions(input, previous).map((condition) => withTimes(condition, input.now, previous?.conditions)),
    daemonEndpoints: { kubeletEndpoint: { Port: input.kubeletPort } } as unknown as NodeStatus['daemonEndpoints'],
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: `docker://${runtime.version}`,
      kubeletVersion: input.kubeletVersion,
      kubeProxyVersion: input.kubeletVersion,
      operatingSystem: 'linux',
      architecture: machine.architecture,
    },
    // Docker always adds the groups that the image has for the user, and maps users for a whole engine only.
    features: { supplementalGroupsPolicy: false },
    runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
    declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'],
    // Absent while there never were any, as upstream.
    ...(input.volumesInUse && (input.volumesInUse.length > 0 || previous?.volumesInUse)
      ? { volumesInUse: [...input.volumesInUse] }
      : {}),
    images: [...input.images]
      .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.id < b.id ? -1 : 1))
      .slice(0, maxImages)
      .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }))
      .filter(({ names }) => names.length > 0),
  };
}

type Verdict = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

function conditions(input: NodeInput, previous: NodeStatus | undefined): Verdict[] {
  const { notReady, pressures } = input;
  const full = conntrackFull(input);
  // Upstream's nodes do not have this condition: so it is absent until there is something to say.
  const tells = full.status === 'True' || previous?.conditions?.some(({ type }) => type === full.type);
  return [
    ...(tells ? [full] : []),
    pressure(
      'MemoryPressure',
      pressures,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    pressure(
      'DiskPressure',
      pressures,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ),
    pressure(
      'PIDPressure',
      pressures,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    notReady === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: notReady },
  ];
}

function pressure(
  type: PressureCondition,
  pressures: readonly PressureCondition[],
  bad: readonly [string, string],
  good: readonly [string, string],
): Verdict {
  const under = pressures.includes(type);
  const [reason, message] = under ? bad : good;
  return { type, status: under ? 'True' : 'False', reason, message };
}

/** The kernel drops some new connections a little before the last entry is in use: entries come and go meanwhile. */
const fullShare = 0.99;

/** New connections are dropped, those of the API server to this kubelet too; what the kubelet writes goes over an old one. */
function conntrackFull({ connections }: NodeInput): Verdict {
  const type = conntrackFullCondition;
  return connections && connections.used >= connections.max * fullShare
    ? {
        type,
        status: 'True',
        reason: 'ConntrackFull',
        message: `the kernel tracks ${connections.max} connections of this node and no more: it drops new ones`,
      }
    : { type, status: 'False', reason: 'ConntrackHasRoom', message: 'the kernel has room to track new connections' };
}

function withTimes(verdict: Verdict, now: number, previous: readonly NodeCondition[] | undefined): NodeCondition {
  const before = previous?.find(({ type }) => type === verdict.type);
  const time = formatTime(now);
  return {
    ...verdict,
    lastHeartbeatTime: time,
    lastTransitionTime: before?.status === verdict.status ? (before.lastTransitionTime ?? time) : time,
  };
}
