// What a driver learns about a volume and the pod that uses it. Pure. Source: KEP-596 (inline), KEP-603 (pod information), KEP-1682
// (fsGroup), KEP-2047 (tokens), KEP-2485 (ReadWriteOncePod).
import type { CSIDriver, PersistentVolume, Pod } from '../../../../controlplane/api';
import { accessModes, type NodeCapability, type VolumeCapability } from './node-service';

export type LifecycleMode = 'Persistent' | 'Ephemeral';
type Strings = Readonly<Record<string, string>>;

/** The CSI mode of a Kubernetes access mode; the finer modes only for drivers that know them. */
export function csiAccessMode(mode: string | undefined, capabilities: ReadonlySet<NodeCapability>): number {
  const isFine = capabilities.has('SINGLE_NODE_MULTI_WRITER');
  switch (mode) {
    case 'ReadOnlyMany':
      return accessModes.MULTI_NODE_READER_ONLY;
    case 'ReadWriteMany':
      return accessModes.MULTI_NODE_MULTI_WRITER;
    case 'ReadWriteOncePod':
      return isFine ? accessModes.SINGLE_NODE_SINGLE_WRITER : accessModes.SINGLE_NODE_WRITER;
    default:
      return isFine ? accessModes.SINGLE_NODE_MULTI_WRITER : accessModes.SINGLE_NODE_WRITER;
  }
}

export interface CapabilityInput {
  readonly isBlock: boolean;
  readonly fsType: string | undefined;
  readonly mountOptions: readonly string[] | undefined;
  readonly accessMode: string | undefined;
  /** Only for drivers that apply the group themselves. */
  readonly group: number | undefined;
  readonly capabilities: ReadonlySet<NodeCapability>;
}

export function volumeCapability(input: CapabilityInput): VolumeCapability {
  const accessMode = { mode: csiAccessMode(input.accessMode, input.capabilities) };
  if (input.isBlock) return { accessMode, block: {} };
  const group = input.capabilities.has('VOLUME_MOUNT_GROUP') ? input.group : undefined;
  return {
    accessMode,
    mount: {
      fsType: input.fsType ?? '',
      mountFlags: input.mountOptions ?? [],
      volumeMountGroup: group === undefined ? '' : String(group),
    },
  };
}

/** @throws Error when the driver's object does not allow volumes of this kind, with upstream's words */
export function checkLifecycle(name: string, driver: CSIDriver | undefined, mode: LifecycleMode): void {
  const failed = (why: string) => new Error(`volume mode "${mode}" not supported by driver ${name} (${why})`);
  if (!driver) {
    if (mode === 'Persistent') return;
    throw failed('no CSIDriver object');
  }
  const modes = driver.spec?.volumeLifecycleModes ?? ['Persistent'];
  if (modes.includes(mode)) return;
  throw failed(`only supports [${modes.map((each) => `"${each}"`).join(' ')}]`);
}

/** podInfoOnMount. */
export function podInformation(driver: CSIDriver | undefined, pod: Pod, mode: LifecycleMode): Strings {
  if (!driver?.spec?.podInfoOnMount) return {};
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  return {
    'csi.storage.k8s.io/pod.name': name,
    'csi.storage.k8s.io/pod.namespace': namespace,
    'csi.storage.k8s.io/pod.uid': uid,
    'csi.storage.k8s.io/serviceAccount.name': pod.spec?.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(mode === 'Ephemeral'),
  };
}

export interface GroupInput {
  readonly driver: CSIDriver | undefined;
  readonly fsType: string | undefined;
  readonly readOnly: boolean;
  /** Undefined for an inline volume. */
  readonly volume: PersistentVolume | undefined;
}

/** Whether the kubelet gives the files to the pod's fsGroup. */
export function appliesGroup({ driver, fsType, readOnly, volume }: GroupInput): boolean {
  const policy = driver?.spec?.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
  if (readOnly || policy === 'None') return false;
  if (policy === 'File') return true;
  if (!fsType) return false;
  return !volume || (volume.spec?.accessModes?.some((mode) => /^ReadWriteOnce(Pod)?$/.test(mode)) ?? false);
}
