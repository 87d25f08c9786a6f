// The interface of a plug-in for PersistentVolumes. It knows one source in their spec, such as local.
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../controlplane/api';
import type { Content, Measured, SetUp, VolumeDeps } from '../plugins/plugin';

type VolumeSpec = NonNullable<PersistentVolume['spec']>;
/** The field of spec that names a source. */
export type PersistentField = 'local' | 'hostPath' | 'nfs' | 'csi';
type Source<F extends PersistentField> = NonNullable<VolumeSpec[F]>;

/** A PersistentVolume as one pod uses it. */
export interface PersistentUse<F extends PersistentField = PersistentField> {
  readonly source: Source<F>;
  readonly volume: PersistentVolume;
  /** Absent only where a test asks for the path alone. */
  readonly claim: PersistentVolumeClaim | undefined;
  /** The pod asks for a use without writing. */
  readonly readOnly: boolean;
}

/** What remains of a volume in a pod's folder. The PersistentVolume itself may be gone. */
export interface Remains {
  readonly podUid: string;
  /** Name of the PersistentVolume. */
  readonly name: string;
  /** POD/volumes/kubernetes.io~DIR/NAME, or POD/volumeDevices/kubernetes.io~DIR/NAME. */
  readonly path: string;
  readonly deps: VolumeDeps;
}

export interface PersistentParts<F extends PersistentField> {
  readonly field: F;
  /** Folder of upstream's layout: POD/volumes/kubernetes.io~DIR/NAME. */
  readonly dir: string;
  /** Below that folder: CSI mounts at NAME/mount. */
  readonly below?: string;
  /** Mounts at NAME itself. False for a plug-in that keeps files of its own there, and removes its mount points by `release`. */
  readonly mountsAtName: boolean;
  readonly measured?: Measured;
  /** The source takes spec.mountOptions. */
  readonly mountOptions: boolean;
  /** Host path of the content when it lies outside the pod's folder. Of volume mode Block: of the device. */
  readonly pathOf?: (use: PersistentUse<F>, rootDir: string) => string | undefined;
  /**
   * Brings the content to `task.path`, or prepares the device there. Also called for a volume that is set up already. May resolve to the
   * time of the next call without a change, in ms since the epoch.
   */
  readonly setUp: (use: PersistentUse<F>, task: SetUp) => Promise<unknown>;
  /** Undoes setUp, before the kubelet unmounts and deletes the pod's folder. Works from the disk alone. Repeatable. */
  readonly release?: (remains: Remains) => Promise<void>;
  /** Called after the folder of a pod is gone: removes what no pod uses any more. Repeatable. */
  readonly sweep?: (deps: VolumeDeps) => Promise<void>;
}

export interface ContentUse {
  readonly readOnly: boolean;
  readonly rootDir: string;
  readonly claim?: PersistentVolumeClaim;
}

export interface PersistentPlugin {
  readonly dir: string;
  /** Undefined for a volume of another source. */
  content(volume: PersistentVolume, use: ContentUse): Content | undefined;
  readonly supportsMountOptions: boolean;
  readonly mountsAtName: boolean;
  release(remains: Remains): Promise<void>;
  sweep(deps: VolumeDeps): Promise<void>;
}

export function definePersistentPlugin<F extends PersistentField>(parts: PersistentParts<F>): PersistentPlugin {
  const { field, dir, below } = parts;
  return {
    dir,
    supportsMountOptions: parts.mountOptions,
    mountsAtName: parts.mountsAtName,
    content(volume, { readOnly, rootDir, claim }) {
      const source = volume.spec?.[field] as Source<F> | undefined;
      if (!source) return undefined;
      const use: PersistentUse<F> = { source, volume, claim, readOnly };
      const name = volume.metadata?.name ?? '';
      return {
        dir,
        name: below === undefined || isBlock(volume) ? name : `${name}/${below}`,
        isDevice: isBlock(volume),
        readOnly,
        path: parts.pathOf?.(use, rootDir),
        references: { configMaps: [], secrets: [] },
        measured: isBlock(volume) ? undefined : parts.measured,
        setUp: async (task) => {
          const time = await parts.setUp(use, task);
          return typeof time === 'number' ? time : undefined;
        },
      };
    },
    release: async (remains) => parts.release?.(remains),
    sweep: async (deps) => parts.sweep?.(deps),
  };
}

export const isBlock = ({ spec }: PersistentVolume): boolean => spec?.volumeMode === 'Block';
