// All plug-ins for PersistentVolumes.
import { csi } from './csi';
import { hostPath } from './host-path';
import { local } from './local';
import { nfs } from './nfs';
import type { PersistentPlugin } from './plugin';

export const persistentPlugins: readonly PersistentPlugin[] = [local, hostPath, nfs, csi];
