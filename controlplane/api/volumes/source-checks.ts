// Field rules of volume sources that pods and PersistentVolumes share. No node of k8ts mounts most of these sources; the rules are
// upstream's, so that a wrong volume is refused at once.
import { isAbsolute } from 'node:path';
import type { V1Volume } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { noBacksteps } from '../pods/validate-path';
import type { Wire } from '../types';
import { invalid, invalidEach, maxCauses, notSupported, required, tooLong } from '../validation/causes';
import { dns1123Label, dns1123Subdomain, inRange } from '../validation/names';
import { oneOf } from '../validation/selectors';

type Source<K extends keyof V1Volume> = NonNullable<Wire<V1Volume>[K]>;

/** The required fields of each source, in the order in which messages report them. Fields that other rules look at are not here. */
export const requiredFields: Readonly<Record<string, readonly string[]>> = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: ['monitors'],
  cinder: ['volumeID'],
  flexVolume: ['driver'],
  gcePersistentDisk: ['pdName'],
  gitRepo: ['repository'],
  glusterfs: ['endpoints', 'path'],
  nfs: ['server', 'path'],
  persistentVolumeClaim: ['claimName'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  vsphereVolume: ['volumePath'],
};

/** Upstream's paths of sources that are not their fields: in rules of a source, and in the refusal of a further source. */
export const sourcePaths: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };
export const furtherPaths: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

export function missingFields(type: string, source: object, at: string): FieldCause[] {
  const values = source as Readonly<Record<string, unknown>>;
  return (requiredFields[type] ?? []).filter((key) => isEmpty(values[key])).map((key) => required(`${at}.${key}`));
}

export const between = (value: number, min: number, max: number, field: string): FieldCause[] =>
  invalidEach(field, value, inRange(value, min, max));

/** Upstream's message names 1, its check 0. */
export const partition = ({ partition: value = 0 }: { partition?: number }, at: string): FieldCause[] =>
  value < 0 || value > 255 ? [invalid(`${at}.partition`, value, 'must be between 1 and 255, inclusive')] : [];

const label = (value: string | undefined, field: string): FieldCause[] =>
  value ? invalidEach(field, value, dns1123Label(value)) : [];

export interface Reference {
  readonly name?: string;
  readonly namespace?: string;
}
/** A Secret of the volume's own namespace. */
export const named = (secret: Reference | undefined, field: string): FieldCause[] =>
  secret && !secret.name ? [required(`${field}.name`)] : [];
/** A Secret of any namespace. */
export const placed = (secret: Reference | undefined, field: string): FieldCause[] =>
  secret && !secret.namespace ? [...named(secret, field), required(`${field}.namespace`)] : named(secret, field);

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

export function hostPath({ path, type }: Source<'hostPath'>, at: string): FieldCause[] {
  if (!path) return [required(`${at}.path`)];
  return [...noBacksteps(path, `${at}.path`), ...oneOf(`${at}.type`, type, hostPathTypes)];
}

export function flocker({ datasetName = '', datasetUUID = '' }: Source<'flocker'>, at: string): FieldCause[] {
  const both = 'datasetName and datasetUUID can not be specified simultaneously';
  return [
    ...(datasetName || datasetUUID ? [] : [required(at, 'one of datasetName and datasetUUID is required')]),
    ...(datasetName && datasetUUID ? [invalid(at, 'resource', both)] : []),
    ...(datasetName.includes('/') ? [invalid(`${at}.datasetName`, datasetName, "must not contain '/'")] : []),
  ];
}

export const nfs = ({ path = '' }: Source<'nfs'>, at: string): FieldCause[] =>
  isAbsolute(path) ? [] : [invalid(`${at}.path`, path, 'must be an absolute path')];

export function quobyte({ registry = '', tenant = '', volume = '' }: Source<'quobyte'>, at: string): FieldCause[] {
  const noVolume = volume === '' ? [required(`${at}.volume`)] : [];
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (registry === '') return [required(`${at}.registry`, pairs), ...noVolume];
  if (tenant.length >= 65)
    return [required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'), ...noVolume];
  const wrong = registry.split(',').filter((pair) => !/^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair));
  return [...wrong.slice(0, maxCauses).map(() => invalid(`${at}.registry`, registry, pairs)), ...noVolume];
}

export function fc({ targetWWNs = [], wwids = [], lun }: Source<'fc'>, at: string): FieldCause[] {
  const both = 'targetWWNs and wwids can not be specified simultaneously';
  const neither = 'must specify either targetWWNs or wwids, but not both';
  const field = `${at}.targetWWNs`;
  return [
    ...(targetWWNs.length + wwids.length === 0 ? [required(field, neither)] : []),
    ...(targetWWNs.length > 0 && wwids.length > 0 ? [invalid(field, targetWWNs, both)] : []),
    ...(targetWWNs.length === 0
      ? []
      : lun === undefined
        ? [required(`${at}.lun`, 'lun is required if targetWWNs is specified')]
        : between(lun, 0, 255, `${at}.lun`)),
  ];
}

const reserved = /(^|\.)(kubernetes|k8s)\.io$/;

export const flexVolume = ({ options = {} }: { options?: Readonly<Record<string, string>> }, at: string) =>
  Object.keys(options)
    .filter((key) => reserved.test((key.split('/').length > 1 ? key.split('/')[0]! : key).toLowerCase()))
    .map((key) => invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));

export function azureDisk({ cachingMode, kind, diskURI = '' }: Source<'azureDisk'>, at: string): FieldCause[] {
  const managed = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
  const blob = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
  const [prefix, shown] = kind === 'Managed' ? ['/subscriptions/', managed] : ['https://', blob];
  return [
    ...oneOf(`${at}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
    ...oneOf(`${at}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
    ...(kind !== undefined && !diskURI.startsWith(prefix) ? [notSupported(`${at}.diskURI`, diskURI, [shown])] : []),
  ];
}

/** Without the reference to a Secret, which differs. */
export const storageos = ({ volumeName, volumeNamespace }: Source<'storageos'>, at: string): FieldCause[] => [
  ...(volumeName ? label(volumeName, `${at}.volumeName`) : [required(`${at}.volumeName`)]),
  ...label(volumeNamespace, `${at}.volumeNamespace`),
];

/** The name of a CSI driver. */
export function validateDriverName(driver: string, field: string): FieldCause[] {
  if (driver === '') return [required(field)];
  return [
    ...(driver.length > 63 ? [tooLong(field, 63)] : []),
    ...invalidEach(field, driver, dns1123Subdomain(driver.toLowerCase())),
  ];
}
