// What the scheduler knows of storage: copies of the storage objects, and over them what it has decided but the copies do not show yet
// (assumed). So two pods never get the same volume.
import type { CSIDriver } from '../../api/csi-driver';
import type { CSINode } from '../../api/csi-node';
import type { CSIStorageCapacity } from '../../api/csi-storage-capacity';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { StorageClass } from '../../api/storage-class';
import { type KubeObject, objectKey } from '../../api/types';
import type { VolumeAttachment } from '../../api/volume-attachment';
import { classOf } from '../../api/volumes/class-name';
import type { Change, Indexes, Informer } from '../../client/informer';

export const volumesByClass = 'class';
export const attachmentsByNode = 'node';

/** The indexes that the informers need. */
export const volumeIndexes: Indexes<PersistentVolume> = { [volumesByClass]: (volume) => [classOf(volume) ?? ''] };
export const attachmentIndexes: Indexes<VolumeAttachment> = { [attachmentsByNode]: ({ spec }) => [spec.nodeName] };

export interface VolumeInformers {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly csiNodes: Informer<CSINode>;
  readonly csiDrivers: Informer<CSIDriver>;
  readonly capacities: Informer<CSIStorageCapacity>;
  readonly attachments: Informer<VolumeAttachment>;
}

export class ClusterVolumes {
  private readonly claims: Assumed<PersistentVolumeClaim>;
  private readonly volumes: Assumed<PersistentVolume>;

  constructor(readonly informers: VolumeInformers) {
    this.claims = new Assumed(informers.claims);
    this.volumes = new Assumed(informers.volumes);
  }

  /** `key` is namespace/name. */
  claim(key: string): PersistentVolumeClaim | undefined {
    return this.claims.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.volumes.get(name);
  }

  /** The volumes of a class; '' is the class of volumes without one. */
  volumesOf(className: string): readonly PersistentVolume[] {
    return this.informers.volumes.by(volumesByClass, className).map((volume) => this.volumes.current(volume));
  }

  storageClass(name: string): StorageClass | undefined {
    return this.informers.classes.get(name);
  }

  assumeVolume(volume: PersistentVolume): void {
    this.volumes.assume(volume);
  }

  assumeClaim(claim: PersistentVolumeClaim): void {
    this.claims.assume(claim);
  }

  /** What the copies show counts again. */
  restore(volumes: readonly PersistentVolume[], claims: readonly PersistentVolumeClaim[]): void {
    for (const volume of volumes) this.volumes.restore(volume);
    for (const claim of claims) this.claims.restore(claim);
  }

  /** Calls `handler` at each change of a claim or volume. Returns how to end that. */
  onBindingChange(handler: () => void): () => void {
    const ends = [this.claims.onChange(handler), this.volumes.onChange(handler)];
    return () => {
      for (const end of ends) end();
    };
  }
}

/** A copy with decisions of the scheduler over it. */
class Assumed<T extends KubeObject> {
  private readonly assumed = new Map<string, T>();
  private readonly handlers = new Set<() => void>();

  constructor(private readonly informer: Informer<T>) {
    informer.onChange((change) => this.onCopyChange(change));
  }

  get(key: string): T | undefined {
    const copy = this.informer.get(key);
    return copy && this.current(copy);
  }

  current(copy: T): T {
    return this.assumed.size === 0 ? copy : (this.assumed.get(objectKey(copy)) ?? copy);
  }

  assume(object: T): void {
    this.assumed.set(objectKey(object), object);
  }

  restore(object: T): void {
    this.assumed.delete(objectKey(object));
  }

  onChange(handler: () => void): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  /** A version that is newer than the one decided on ends the decision: it shows it, or it is another object. */
  private onCopyChange({ type, key, object }: Change<T>): void {
    const assumed = this.assumed.get(key);
    if (assumed && (type === 'deleted' || versionOf(object) > versionOf(assumed))) this.assumed.delete(key);
    for (const handler of [...this.handlers]) handler();
  }
}

/** The order of the versions of one object (KEP-5504). */
export const versionOf = ({ metadata }: KubeObject): number => Number(metadata?.resourceVersion ?? 0);
