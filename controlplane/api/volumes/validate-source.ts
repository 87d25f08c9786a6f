// Field rules of the sources of PersistentVolumes. k8ts mounts none of them; the rules are upstream's, so that an incomplete volume
// is refused at once.
import type { V1PersistentVolumeSpec } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { noBacksteps } from '../pods/validate-path';
import type { Wire } from '../types';
import { forbidden, invalid, invalidEach, required } from '../validation/causes';
import { dns1123Label, dns1123Subdomain } from '../validation/names';
import { validateInitiator, validateIqn } from './iscsi-names';
import {
  azureDisk,
  between,
  fc,
  flexVolume,
  flocker,
  furtherPaths,
  hostPath,
  missingFields,
  named,
  nfs,
  partition,
  placed,
  quobyte,
  type Reference,
  sourcePaths,
  storageos,
  validateDriverName,
} from './source-checks';

export type VolumeSpec = Wire<V1PersistentVolumeSpec>;
type Check<K extends keyof VolumeSpec> = (source: NonNullable<VolumeSpec[K]>, at: string, name: string) => FieldCause[];

/** What each source needs beyond its required fields, in upstream's order. */
const checks: { readonly [K in keyof VolumeSpec]?: Check<K> } = {
  hostPath,
  gcePersistentDisk: partition,
  awsElasticBlockStore: partition,
  glusterfs: ({ endpointsNamespace: namespace }, at) => {
    const field = `${at}.endpointsNamespace`;
    return namespace === ''
      ? [invalid(field, '', 'if the endpointnamespace is set, it must be a valid namespace name')]
      : invalidEach(field, namespace, namespace === undefined ? [] : dns1123Label(namespace));
  },
  flocker,
  nfs,
  rbd: () => [],
  quobyte,
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
  fc,
  flexVolume,
  azureFile: ({ secretNamespace }, at) => (secretNamespace === '' ? [required(`${at}.secretNamespace`)] : []),
  vsphereVolume: () => [],
  photonPersistentDisk: () => [],
  portworxVolume: () => [],
  azureDisk,
  scaleIO: () => [],
  local: ({ path }, at) => (path ? noBacksteps(path, `${at}.path`) : [required(`${at}.path`)]),
  storageos: (source, at) => [...storageos(source, at), ...placed(source.secretRef, `${at}.secretRef`)],
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

const sources = Object.keys(checks) as (keyof typeof checks)[];

/** The source of a volume, without the other fields of its spec. */
export const sourceOf = (spec: VolumeSpec): Partial<VolumeSpec> =>
  Object.fromEntries(sources.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));

/** A volume has one source; of several only the first is checked further. `name` is that of the volume. */
export function validateVolumeSource(spec: VolumeSpec, name: string, field: string): FieldCause[] {
  const present = sources.filter((key) => spec[key] !== undefined);
  const [first, ...extra] = present;
  if (first === undefined) return [required(field, 'must specify a volume type')];
  return [
    ...checkSource(first, spec, name, `${field}.${sourcePaths[first] ?? first}`),
    ...extra.map((key) => forbidden(`${field}.${furtherPaths[key] ?? key}`, 'may not specify more than 1 volume type')),
  ];
}

function checkSource<K extends keyof typeof checks>(key: K, spec: VolumeSpec, name: string, at: string): FieldCause[] {
  const source = spec[key] as NonNullable<VolumeSpec[K]>;
  const check = checks[key] as Check<K> | undefined;
  return [...missingFields(key, source as object, at), ...(check?.(source, at, name) ?? [])];
}
