// The informers of all storage objects that decisions rest on.
import { csiDrivers } from '../../api/csi-driver';
import { csiNodes } from '../../api/csi-node';
import { csiStorageCapacities } from '../../api/csi-storage-capacity';
import { persistentVolumes } from '../../api/persistent-volume';
import { persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { storageClasses } from '../../api/storage-class';
import { volumeAttachments } from '../../api/volume-attachment';
import type { Client } from '../../client/client';
import { createInformer, type InformerOptions } from '../../client/informer';
import { attachmentIndexes, type VolumeInformers, volumeIndexes } from './cluster-volumes';

type Options = Pick<InformerOptions<never>, 'log' | 'clock'>;

/** They must be run by the caller. */
export const volumeInformers = (client: Client, options: Options): VolumeInformers => ({
  claims: createInformer(client, persistentVolumeClaims, options),
  volumes: createInformer(client, persistentVolumes, { ...options, indexes: volumeIndexes }),
  classes: createInformer(client, storageClasses, options),
  csiNodes: createInformer(client, csiNodes, options),
  csiDrivers: createInformer(client, csiDrivers, options),
  capacities: createInformer(client, csiStorageCapacities, options),
  attachments: createInformer(client, volumeAttachments, { ...options, indexes: attachmentIndexes }),
});
