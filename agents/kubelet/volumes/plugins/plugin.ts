// The interface of a volume plug-in. It knows one source of volumes, such as emptyDir.
import type { ConfigMap, Pod, Secret } from '../../../../controlplane/api';
import type { Clock } from '../../../../controlplane/base/clock';
import type { Exec } from '../../../../dataplane/exec/exec';
import type { Mounts } from '../../../../dataplane/mount/mounts';
import type { FolderQuotas } from '../../../../dataplane/quota/folder-quotas';
import type { NodeFacts } from '../../spec/field-ref';
import type { CsiVolumes } from '../csi/csi-volumes';
import type { KeyedTurns } from '../keyed-turns';
import type { Volume } from '../payload';
import type { ServiceAccountTokens } from '../service-account-tokens';

/** Names in the pod's namespace. */
export interface References {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

/** The dependencies of every plug-in. */
export interface VolumeDeps {
  readonly mounts: Pick<Mounts, 'ensureTmpfs' | 'ensureHugePages' | 'ensureBind' | 'at' | 'table' | 'detach'>;
  readonly exec: Exec;
  readonly quotas: FolderQuotas;
  /** For work on something that pods share. */
  readonly turns: KeyedTurns;
  readonly clock: Clock;
  /** Records an Event of type Warning. */
  readonly warn: (pod: Pod, reason: string, message: string) => void;
  /** The kubelet's folder, --root-dir. */
  readonly rootDir: string;
  readonly tokens: Pick<ServiceAccountTokens, 'fetch' | 'peek'>;
  readonly configMap: (pod: Pod, name: string) => ConfigMap | undefined;
  readonly secret: (pod: Pod, name: string) => Secret | undefined;
  readonly csi: Pick<CsiVolumes, 'setUp' | 'release'>;
  /** Before a path that pods or administrators chose is touched. @throws Unavailable when its server does not answer */
  readonly ensureAnswers: (path: string) => Promise<void>;
}

/** One volume of one pod that is to be set up. */
export interface SetUp {
  readonly pod: Pod;
  /** Host path of the volume's content. */
  readonly path: string;
  readonly facts: NodeFacts;
  readonly deps: VolumeDeps;
  readonly signal: AbortSignal;
}

export type SourceField = Exclude<keyof Volume, 'name'>;
type Source<F extends SourceField> = NonNullable<Volume[F]>;

/**
 * Whether containers get the volume read-only even if their volumeMount does not say readOnly. 'mounted': the mount at the volume's path
 * is read-only itself. Docker must not make it so again, because it would drop noexec, nosuid and nodev.
 */
type ReadOnly = boolean | 'mounted';

/** How the use of a volume is found: its files are counted, or the file system that holds nothing else says it, or the CSI driver. */
export type Measured = 'files' | 'file-system' | 'driver';

interface Parts<F extends SourceField> {
  /** Folder of upstream's layout: POD/volumes/kubernetes.io~DIR/NAME. */
  readonly dir: string;
  readonly readOnly: ReadOnly | ((source: Source<F>) => boolean);
  /** Host path of the content, when it lies outside the pod's folder. */
  readonly pathOf?: (source: Source<F>) => string;
  /** ConfigMaps and Secrets that the kubelet watches for the volume. */
  readonly references?: (source: Source<F>) => References;
  /** Absent: the use is not reported, as with content that is not the pod's own. */
  readonly measured?: Measured | ((source: Source<F>) => Measured);
  /** As PodVolumes.setUp, for one volume. Also called for a volume that is set up already. */
  readonly setUp: (source: Source<F>, task: SetUp) => Promise<number | undefined>;
}

/** A volume together with its plug-in. */
export interface Content {
  readonly dir: string;
  /** The folder's name below `dir`, with what follows it; undefined for the volume's name in the pod. */
  readonly name?: string;
  /** `path` is a device of the host, which containers get by volumeDevices. */
  readonly isDevice?: boolean;
  readonly readOnly: ReadOnly;
  /** Undefined for content below the pod's folder. */
  readonly path: string | undefined;
  readonly references: References;
  readonly measured?: Measured | undefined;
  setUp(task: SetUp): Promise<number | undefined>;
}

/** Undefined for a volume of another source. */
export type VolumePlugin = (volume: Volume) => Content | undefined;

const noReferences: References = { configMaps: [], secrets: [] };

export function definePlugin<F extends SourceField>(field: F, parts: Parts<F>): VolumePlugin {
  return (volume) => {
    const source = volume[field];
    if (!source) return undefined;
    return {
      dir: parts.dir,
      readOnly: typeof parts.readOnly === 'function' ? parts.readOnly(source) : parts.readOnly,
      path: parts.pathOf?.(source),
      references: parts.references?.(source) ?? noReferences,
      measured: typeof parts.measured === 'function' ? parts.measured(source) : parts.measured,
      setUp: (task) => parts.setUp(source, task),
    };
  };
}
