// Whether a pod may use a claim and the PersistentVolume of the claim. Pure. The messages are those of upstream's Events.
import {
  allContainers,
  allowsNode,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '../../../../controlplane/api';
import { ClaimError, StepError } from '../failures';
import type { Volume } from '../payload';

export interface ClaimUse {
  readonly claimName: string;
  readonly readOnly: boolean;
  /** The claim must belong to the pod: it was created for this one volume of the pod. */
  readonly isEphemeral: boolean;
}

/** The claim that a volume of a pod stands for; undefined for a volume of another source. */
export function claimUse(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): ClaimUse | undefined {
  if (persistentVolumeClaim) {
    const { claimName, readOnly = false } = persistentVolumeClaim;
    return { claimName, readOnly, isEphemeral: false };
  }
  if (!ephemeral) return undefined;
  return { claimName: `${pod.metadata?.name}-${name}`, readOnly: false, isEphemeral: true };
}

const protection = 'kubernetes.io/pvc-protection';

/** Resolves to the name of the claim's volume. @throws ClaimError */
export function boundVolumeName({ metadata, spec, status }: PersistentVolumeClaim): string {
  if (metadata?.deletionTimestamp && !metadata.finalizers?.includes(protection)) {
    throw new ClaimError('PVC is being deleted');
  }
  if (status?.phase !== 'Bound') throw new ClaimError('PVC is not bound');
  if (!spec?.volumeName) throw new ClaimError('PVC has empty pvc.Spec.VolumeName');
  return spec.volumeName;
}

/** @throws ClaimError when the claim was not created for the pod */
export function checkOwner(pod: Pod, { metadata }: PersistentVolumeClaim): void {
  const isOwner = metadata?.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.metadata?.uid);
  if (isOwner) return;
  const { namespace, name } = pod.metadata ?? {};
  const claim = `${metadata?.namespace}/${metadata?.name}`;
  throw new ClaimError(`PVC ${claim} was not created for pod ${namespace}/${name} (pod is not owner)`);
}

/** @throws ClaimError when the volume is not bound to this claim */
export function checkBinding({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): void {
  const found = `found PV object ${metadata?.name} but`;
  const { claimRef } = spec ?? {};
  if (!claimRef) {
    throw new ClaimError(`${found} it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`);
  }
  const { uid } = claim.metadata ?? {};
  if (claimRef.uid === uid) return;
  throw new ClaimError(`${found} its pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} does not point to claim.UID ${uid}`);
}

export interface VolumeNames {
  /** Volumes that some container mounts. */
  readonly mounts: ReadonlySet<string>;
  /** Volumes that some container uses as a device. */
  readonly devices: ReadonlySet<string>;
}

/** Volumes that no container uses are not set up. */
export function usedVolumes({ spec }: Pod): VolumeNames {
  const containers = allContainers(spec ?? { containers: [] });
  return {
    mounts: new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))),
    devices: new Set(containers.flatMap(({ volumeDevices = [] }) => volumeDevices.map(({ name }) => name))),
  };
}

/** `name`: the volume's name in the pod. @throws ClaimError */
export function checkMode({ spec }: PersistentVolume, name: string, { mounts, devices }: VolumeNames): void {
  const mode = spec?.volumeMode ?? 'Filesystem';
  const refuse = (field: string) => {
    throw new ClaimError(`volume ${name} has volumeMode ${mode}, but is specified in ${field}`);
  };
  if (mounts.has(name) && mode !== 'Filesystem') refuse('volumeMounts');
  if (devices.has(name) && mode !== 'Block') refuse('volumeDevices');
}

/** `node` is undefined when the kubelet does not know its Node object. @throws StepError */
export function checkNodeAffinity({ metadata, spec }: PersistentVolume, node: Node | undefined): void {
  const required = spec?.nodeAffinity?.required;
  if (!required) return;
  const facts = { name: node?.metadata?.name ?? '', labels: node?.metadata?.labels ?? {} };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
  if (allowsNode({ containers: [], affinity }, facts)) return;
  const step = spec?.volumeMode === 'Block' ? 'MapVolume' : 'MountVolume';
  throw new StepError(`${step}.NodeAffinity check failed`, 'no matching NodeSelectorTerms', metadata?.name);
}

/** Another pod of this node uses the volume. @throws StepError for a volume that allows one pod alone (KEP-2485) */
export function checkSinglePod({ metadata, spec }: PersistentVolume): void {
  const modes = spec?.accessModes ?? [];
  if (modes.length !== 1 || modes[0] !== 'ReadWriteOncePod') return;
  const step = spec?.volumeMode === 'Block' ? 'MapVolume.SetUpDevice failed' : 'MountVolume.SetUp failed';
  const why = 'volume uses the ReadWriteOncePod access mode and is already in use by another pod';
  throw new StepError(step, why, metadata?.name);
}
