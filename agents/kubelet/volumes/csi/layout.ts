// Where the files of CSI volumes lie below the kubelet's root folder: upstream's layout, so that tools and drivers find them. Pure.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BadRequest } from '../../../../controlplane/base/errors';

export const dataFile = 'vol_data.json';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** ROOT/plugins/kubernetes.io/csi */
export const csiFolder = (rootDir: string): string => join(rootDir, 'plugins/kubernetes.io/csi');
const devicesFolder = (rootDir: string): string => join(csiFolder(rootDir), 'volumeDevices');

/** The folder of a staged volume of files: vol_data.json, and globalmount, where the driver mounts it. */
export const stagedFolder = (rootDir: string, driver: string, handle: string): string =>
  join(csiFolder(rootDir), safePart(driver), sha256(handle));
export const globalMount = (folder: string): string => join(folder, 'globalmount');

/** Of one device: its data, the path at which the driver stages it, and the file that shows it to a pod. */
export const deviceData = (rootDir: string, pv: string): string => join(devicesFolder(rootDir), safePart(pv), 'data');
export const deviceStaging = (rootDir: string, pv: string): string =>
  join(devicesFolder(rootDir), 'staging', safePart(pv));
export const devicePublish = (rootDir: string, pv: string, podUid: string): string =>
  join(devicesFolder(rootDir), 'publish', safePart(pv), safePart(podUid));
export const devicePublishFolder = (rootDir: string, pv: string): string =>
  join(devicesFolder(rootDir), 'publish', safePart(pv));

/** The names of the folders in ROOT/plugins/kubernetes.io/csi/volumeDevices that are no volumes. */
export const deviceKinds: readonly string[] = ['staging', 'publish'];

/** The folders of the layout next to those of drivers and of devices. */
const reserved: readonly string[] = [...deviceKinds, 'volumeDevices'];

/** The handle of an inline volume of a pod. */
export const inlineHandle = (podUid: string, volume: string): string => `csi-${sha256(`${podUid}${volume}`)}`;

/**
 * Names of drivers and volumes come from the API and become parts of paths at which the kubelet mounts and deletes as root.
 * @throws BadRequest for one that could lead elsewhere
 */
function safePart(name: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9._]{0,251}[A-Za-z0-9])?$/.test(name) && !reserved.includes(name)) return name;
  throw new BadRequest(`${JSON.stringify(name)} is no name for a folder of a CSI volume`);
}
