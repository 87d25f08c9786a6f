// Field rules of the sources of PersistentVolumes. k8ts mounts none of them; the rules are upstream's, so that an incomplete volume
// is refused at once.
import { isAbsolute } from 'node:path';
import type { V1PersistentVolumeSpec } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { noBacksteps } from '../pods/validate-path';
import { requiredFields } from '../pods/validate-remote-volume';
import { hostPathTypes } from '../pods/validate-volume';
import type { Wire } from '../types';
import { forbidden, invalid, invalidEach, maxCauses, notSupported, required, tooLong } from '../validation/causes';
import { dns1123Label, dns1123Subdomain, inRange } from '../validation/names';
import { oneOf } from '../validation/selectors';
import { validateInitiator, validateIqn } from './iscsi-names';

export type VolumeSpec = Wire<V1PersistentVolumeSpec>;
type Check<K extends keyof VolumeSpec> = (source: NonNullable<VolumeSpec[K]>, at: string, name: string) => FieldCause[];

const between = (value: number, min: number, max: number, field: string): FieldCause[] =>
  invalidEach(field, value, inRange(value, min, max));

/** Upstream's message names 1, its check 0. */
const partition = (value: number, field: string): FieldCause[] =>
  value < 0 || value > 255 ? [invalid(field, value, 'must be between 1 and 255, inclusive')] : [];

const label = (value: string | undefined, field: string): FieldCause[] =>
  value ? invalidEach(field, value, dns1123Label(value)) : [];

interface Reference {
  readonly name?: string;
  readonly namespace?: string;
}
const named = (secret: Reference | undefined, field: string): FieldCause[] =>
  secret && !secret.name ? [required(`${field}.name`)] : [];
const placed = (secret: Reference | undefined, field: string): FieldCause[] =>
  secret && !secret.namespace ? [...named(secret, field), required(`${field}.namespace`)] : named(secret, field);

const reserved = /(^|\.)(kubernetes|k8s)\.io$/;

/** What each source needs beyond its required fields, in upstream's order. */
const checks: { readonly [K in keyof VolumeSpec]?: Check<K> } = {
  hostPath: ({ path, type }, at) =>
    path ? [...noBacksteps(path, `${at}.path`), ...oneOf(`${at}.type`, type, hostPathTypes)] : [required(`${at}.path`)],
  gcePersistentDisk: ({ partition: number = 0 }, at) => partition(number, `${at}.partition`),
  awsElasticBlockStore: ({ partition: number = 0 }, at) => partition(number, `${at}.partition`),
  glusterfs: ({ endpointsNamespace: namespace }, at) => {
    const field = `${at}.endpointsNamespace`;
    return namespace === ''
      ? [invalid(field, '', 'if the endpointnamespace is set, it must be a valid namespace name')]
      : label(namespace, field);
  },
  flocker: ({ datasetName = '', datasetUUID = '' }, at) => {
    const both = 'datasetName and datasetUUID can not be specified simultaneously';
    return [
      ...(datasetName || datasetUUID ? [] : [required(at, 'one of datasetName and datasetUUID is required')]),
      ...(datasetName && datasetUUID ? [invalid(at, 'resource', both)] : []),
      ...(datasetName.includes('/') ? [invalid(`${at}.datasetName`, datasetName, "must not contain '/'")] : []),
    ];
  },
  nfs: ({ path = '' }, at) => (isAbsolute(path) ? [] : [invalid(`${at}.path`, path, 'must be an absolute path')]),
  rbd: () => [],
  quobyte: ({ registry = '', tenant = '' }, at) => {
    const pairs = 'must be a host:port pair or multiple pairs separated by commas';
    if (registry === '') return [];
    if (tenant.length >= 65)
      return [required(`${at}.tenant`, 'must be a UUID and may not exceed a length of 64 characters')];
    const wrong = registry.split(',').filter((pair) => !/^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair));
    return wrong.slice(0, maxCauses).map(() => invalid(`${at}.registry`, registry, pairs));
  },
  cephfs: () => [],
  iscsi: ({ targetPortal = '', iqn, lun = 0, secretRef, initiatorName, ...rest }, at, name) => {
    const tooMany =
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    const long = initiatorName !== undefined && Buffer.byteLength(`${name}:${targetPortal}`) > 64;
    const chap = rest.chapAuthDiscovery || rest.chapAuthSession;
    return [
      ...(targetPortal === '' ? [required(`${at}.targetPortal`)] : []),
      ...(long ? [invalid(`${at}.targetportal`, targetPortal, tooMany)] : []),
      ...validateIqn(iqn ?? '', `${at}.iqn`),
      ...between(lun, 0, 255, `${at}.lun`),
      ...(chap && !secretRef ? [required(`${at}.secretRef`)] : []),
      ...named(secretRef, `${at}.secretRef`),
      ...(initiatorName === undefined ? [] : validateInitiator(initiatorName, `${at}.initiatorname`)),
    ];
  },
  cinder: ({ secretRef }, at) => placed(secretRef, `${at}.secretRef`),
  fc: ({ targetWWNs = [], wwids = [], lun }, at) => {
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
  },
  flexVolume: ({ options = {} }, at) =>
    Object.keys(options)
      .filter((key) => reserved.test((key.split('/').length > 1 ? key.split('/')[0]! : key).toLowerCase()))
      .map((key) => invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved')),
  azureFile: ({ secretNamespace }, at) => (secretNamespace === '' ? [required(`${at}.secretNamespace`)] : []),
  vsphereVolume: () => [],
  photonPersistentDisk: () => [],
  portworxVolume: () => [],
  azureDisk: ({ cachingMode, kind, diskURI = '' }, at) => {
    const managed = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
    const blob = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
    const [prefix, shown] = kind === 'Managed' ? ['/subscriptions/', managed] : ['https://', blob];
    return [
      ...oneOf(`${at}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
      ...oneOf(`${at}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
      ...(kind !== undefined && !diskURI.startsWith(prefix) ? [notSupported(`${at}.diskURI`, diskURI, [shown])] : []),
    ];
  },
  scaleIO: () => [],
  local: ({ path }, at) => (path ? noBacksteps(path, `${at}.path`) : [required(`${at}.path`)]),
  storageos: ({ volumeName, volumeNamespace, secretRef }, at) => [
    ...label(volumeName, `${at}.volumeName`),
    ...label(volumeNamespace, `${at}.volumeNamespace`),
    ...placed(secretRef, `${at}.secretRef`),
  ],
  csi: (source, at) => [
    ...validateDriverName(source.driver ?? '', `${at}.driver`),
    ...(source.volumeHandle ? [] : [required(`${at}.volumeHandle`)]),
    ...secretFields.flatMap((key) => (source[key] ? validateSecret(source[key], `${at}.${key}`) : [])),
  ],
};

const secretFields = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function validateSecret({ name = '', namespace = '' }: Reference, field: string): FieldCause[] {
  return [
    ...(name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, dns1123Subdomain(name))),
    ...(namespace === ''
      ? [required(`${field}.namespace`)]
      : invalidEach(`${field}.namespace`, namespace, dns1123Label(namespace))),
  ];
}

/** The name of a CSI driver. */
export function validateDriverName(driver: string, field: string): FieldCause[] {
  return [
    ...(driver === '' ? [required(field)] : []),
    ...(driver.length > 63 ? [tooLong(field, 63)] : []),
    ...invalidEach(field, driver, dns1123Subdomain(driver.toLowerCase())),
  ];
}

const sources = Object.keys(checks) as (keyof typeof checks)[];
/** Paths in upstream's messages that are not those of the field. */
const paths: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };
const extraPaths: Readonly<Record<string, string>> = { cephfs: 'cephFS' };
/** All required fields of these sources are in `checks`. */
const complete = new Set<keyof VolumeSpec>(['csi']);

/** The source of a volume, without the other fields of its spec. */
export const sourceOf = (spec: VolumeSpec): Partial<VolumeSpec> =>
  Object.fromEntries(sources.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));

/** A volume has one source; of several only the first is checked further. `name` is that of the volume. */
export function validateVolumeSource(spec: VolumeSpec, name: string, field: string): FieldCause[] {
  const present = sources.filter((key) => spec[key] !== undefined);
  const [first, ...extra] = present;
  if (first === undefined) return [required(field, 'must specify a volume type')];
  return [
    ...checkSource(first, spec, name, `${field}.${paths[first] ?? first}`),
    ...extra.map((key) => forbidden(`${field}.${extraPaths[key] ?? key}`, 'may not specify more than 1 volume type')),
  ];
}

function checkSource<K extends keyof typeof checks>(key: K, spec: VolumeSpec, name: string, at: string): FieldCause[] {
  const source = spec[key] as NonNullable<VolumeSpec[K]>;
  const names: readonly string[] =
    key in requiredFields && !complete.has(key) ? requiredFields[key as keyof typeof requiredFields] : [];
  const values = source as Readonly<Record<string, unknown>>;
  const isEmpty = (value: unknown) => value === undefined || value === '' || (Array.isArray(value) && !value.length);
  const missing = names.filter((each) => isEmpty(values[each])).map((each) => required(`${at}.${each}`));
  const check = checks[key] as Check<K> | undefined;
  return [...missing, ...(check?.(source, at, name) ?? [])];
}
