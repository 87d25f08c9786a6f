// A CSI volume as one pod uses it: a PersistentVolume, or a volume that stands in the pod itself. Pure.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../../controlplane/api';
import type { Volume } from '../payload';
import { inlineHandle } from './layout';
import type { LifecycleMode } from './publish-request';

type InlineSource = NonNullable<Volume['csi']>;

interface SecretRef {
  readonly namespace: string;
  readonly name: string;
}

export interface CsiUse {
  readonly pod: Pod;
  readonly podUid: string;
  /** Of the PersistentVolume, or of the volume in the pod. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  readonly mode: LifecycleMode;
  /** Where containers find the content: a folder, or for a device the link to it. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly isBlock: boolean;
  readonly fsType: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly stageSecret: SecretRef | undefined;
  readonly publishSecret: SecretRef | undefined;
  readonly expandSecret: SecretRef | undefined;
  /** Undefined for an inline volume. */
  readonly volume: PersistentVolume | undefined;
  readonly claim: PersistentVolumeClaim | undefined;
}

/** One key for each volume of a driver; pods that share the volume share the key. */
export const volumeKey = ({ driver, handle }: Pick<CsiUse, 'driver' | 'handle'>): string => `${driver}^${handle}`;

interface Persistent {
  readonly pod: Pod;
  readonly volume: PersistentVolume;
  readonly claim: PersistentVolumeClaim | undefined;
  readonly path: string;
  readonly readOnly: boolean;
}

/** `volume` has a csi source. */
export function persistentUse({ pod, volume, claim, path, readOnly }: Persistent): CsiUse {
  const source = volume.spec!.csi!;
  return {
    pod,
    podUid: pod.metadata?.uid ?? '',
    name: volume.metadata?.name ?? '',
    driver: source.driver,
    handle: source.volumeHandle,
    mode: 'Persistent',
    path,
    readOnly,
    isBlock: volume.spec?.volumeMode === 'Block',
    fsType: source.fsType,
    attributes: source.volumeAttributes ?? {},
    stageSecret: secretRef(source.nodeStageSecretRef),
    publishSecret: secretRef(source.nodePublishSecretRef),
    expandSecret: secretRef(source.nodeExpandSecretRef),
    volume,
    claim,
  };
}

/** `name`: of the volume in the pod. */
export function inlineUse(pod: Pod, name: string, source: InlineSource, path: string): CsiUse {
  const { uid = '', namespace = '' } = pod.metadata ?? {};
  return {
    pod,
    podUid: uid,
    name,
    driver: source.driver,
    handle: inlineHandle(uid, name),
    mode: 'Ephemeral',
    path,
    readOnly: source.readOnly ?? false,
    isBlock: false,
    fsType: source.fsType,
    attributes: source.volumeAttributes ?? {},
    stageSecret: undefined,
    publishSecret: secretRef({ namespace, name: source.nodePublishSecretRef?.name }),
    expandSecret: undefined,
    volume: undefined,
    claim: undefined,
  };
}

function secretRef(ref: { readonly namespace?: string; readonly name?: string } | undefined): SecretRef | undefined {
  return ref?.namespace && ref.name ? { namespace: ref.namespace, name: ref.name } : undefined;
}
