// What CSI volumes of an earlier run of the kubelet have left on the disk. Files that cannot be read are reported and left alone.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csiFolder, dataFile, deviceData, deviceKinds } from './layout';
import { loadVolumeData, type VolumeData } from './volume-data';

export interface StagedOnDisk {
  readonly data: VolumeData;
  /** The PersistentVolume of a device; undefined for a volume of files. */
  readonly deviceOf: string | undefined;
}

export interface OnDisk {
  readonly staged: readonly StagedOnDisk[];
  readonly used: readonly { readonly podUid: string; readonly data: VolumeData }[];
}

export async function readVolumesOnDisk(rootDir: string, report: (error: unknown) => void): Promise<OnDisk> {
  const staged: StagedOnDisk[] = [];
  const used: { podUid: string; data: VolumeData }[] = [];
  const load = async (folder: string): Promise<VolumeData | undefined> => {
    try {
      return await loadVolumeData(folder);
    } catch (error) {
      report(error);
      return undefined;
    }
  };
  const drivers = csiFolder(rootDir);
  for (const driver of await namesIn(drivers)) {
    for (const volume of driver === 'volumeDevices' ? [] : await namesIn(join(drivers, driver))) {
      const data = await load(join(drivers, driver, volume));
      if (data) staged.push({ data, deviceOf: undefined });
    }
  }
  const devices = new Map<string, VolumeData>();
  for (const name of await namesIn(join(drivers, 'volumeDevices'))) {
    if (deviceKinds.includes(name)) continue;
    const data = await load(deviceData(rootDir, name));
    if (!data) continue;
    devices.set(name, data);
    staged.push({ data, deviceOf: name });
  }
  for (const podUid of await namesIn(join(rootDir, 'pods'))) {
    const pod = join(rootDir, 'pods', podUid);
    for (const name of await namesIn(join(pod, 'volumes/kubernetes.io~csi'))) {
      const data = await load(join(pod, 'volumes/kubernetes.io~csi', name));
      if (data) used.push({ podUid, data });
    }
    for (const name of await namesIn(join(pod, 'volumeDevices/kubernetes.io~csi'))) {
      const data = devices.get(name);
      if (data) used.push({ podUid, data });
    }
  }
  return { staged, used };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return names.filter((name) => !name.startsWith('.') && name !== dataFile);
}
