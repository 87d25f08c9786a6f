// The spec of a volume: of PersistentVolumes, and of volumes inside VolumeAttachments.
import { posix } from 'node:path';
import type { FieldCause } from '../../base/errors';
import { validateNodeSelector } from '../pods/validate-affinity';
import { canonicalize } from '../quantity';
import { forbidden, notSupported, required } from '../validation/causes';
import { oneOf } from '../validation/selectors';
import { validateAccessModes } from './access-modes';
import { notNegative, positive } from './amounts';
import { volumeModes } from './claim-spec';
import { validateClassName } from './class-name';
import { type VolumeSpec, validateVolumeSource } from './validate-source';

const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

export function defaultVolumeSpec(spec: VolumeSpec): void {
  spec.persistentVolumeReclaimPolicy ||= 'Retain';
  spec.volumeMode ??= 'Filesystem';
  canonicalize(spec.capacity ?? {});
  defaultVolumeSource(spec);
}

/** Of volumes of pods, too. */
export function defaultVolumeSource(
  spec: Pick<VolumeSpec, 'azureDisk' | 'hostPath' | 'iscsi' | 'rbd' | 'scaleIO'>,
): void {
  if (spec.hostPath) spec.hostPath.type ??= '';
  if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default';
  if (spec.rbd) {
    spec.rbd.pool ||= 'rbd';
    spec.rbd.user ||= 'admin';
    spec.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (spec.scaleIO) {
    spec.scaleIO.storageMode ||= 'ThinProvisioned';
    spec.scaleIO.fsType ||= 'xfs';
  }
  if (spec.azureDisk) {
    spec.azureDisk.cachingMode ??= 'ReadWrite';
    spec.azureDisk.kind ??= 'Shared';
    spec.azureDisk.fsType ??= 'ext4';
    spec.azureDisk.readOnly ??= false;
  }
}

/** `name` is that of the volume. */
export function validateVolumeSpec(spec: VolumeSpec, name: string, field: string): FieldCause[] {
  const { accessModes = [], nodeAffinity, persistentVolumeReclaimPolicy: policy, hostPath, local } = spec;
  const root = posix.normalize(hostPath?.path ?? '') === '/';
  const at = `${field}.persistentVolumeReclaimPolicy`;
  return [
    ...(accessModes.length === 0 ? [required(`${field}.accessModes`)] : []),
    ...validateAccessModes(accessModes, `${field}.accessModes`),
    ...validateCapacity(spec.capacity ?? {}, `${field}.capacity`),
    ...oneOf(at, policy, reclaimPolicies),
    ...(nodeAffinity ? validateAffinity(nodeAffinity, `${field}.nodeAffinity`) : []),
    ...validateVolumeSource(spec, name, field),
    ...(local && !nodeAffinity ? [required(`${field}.nodeAffinity`, 'Local volume requires node affinity')] : []),
    ...(root && policy === 'Recycle' ? [forbidden(at, "may not be 'recycle' for a hostPath mount of '/'")] : []),
    ...validateClassName(spec.storageClassName, `${field}.storageClassName`),
    ...oneOf(`${field}.volumeMode`, spec.volumeMode, volumeModes),
    ...validateAttributesClass(spec, field),
  ];
}

/** The volume in a VolumeAttachment that no PersistentVolume describes. Only volumes of CSI drivers can be attached so. */
export function validateInlineSpec(spec: VolumeSpec, field: string): FieldCause[] {
  const { accessModes = [], capacity, claimRef, csi, nodeAffinity, volumeMode } = spec;
  const where = 'in the context of inline volumes';
  const refused = (key: string) => forbidden(`${field}.${key}`, `may not be specified ${where}`);
  const policy = spec.persistentVolumeReclaimPolicy;
  return [
    ...(claimRef ? [refused('claimRef')] : []),
    ...(capacity ? [refused('capacity')] : []),
    ...(csi ? [] : [required(`${field}.csi`, `has to be specified ${where}`)]),
    ...(accessModes.length === 0 ? [required(`${field}.accessModes`)] : []),
    ...validateAccessModes(accessModes, `${field}.accessModes`),
    ...(policy && policy !== 'Retain'
      ? [forbidden(`${field}.persistentVolumeReclaimPolicy`, `may only be Retain ${where}`)]
      : []),
    ...(nodeAffinity ? [refused('nodeAffinity')] : []),
    ...validateVolumeSource(spec, '', field),
    ...(spec.storageClassName ? [refused('storageClassName')] : []),
    ...(volumeMode !== undefined && volumeMode !== 'Filesystem'
      ? [forbidden(`${field}.volumeMode`, `may not specify volumeMode other than Filesystem ${where}`)]
      : []),
  ];
}

function validateCapacity(capacity: Readonly<Record<string, string>>, field: string): FieldCause[] {
  const entries = Object.entries(capacity);
  const onlyStorage = entries.length === 1 && capacity['storage'] !== undefined;
  return [
    ...(entries.length === 0 ? [required(field)] : []),
    ...(onlyStorage ? [] : [notSupported(field, entries.length === 0 ? undefined : capacity, ['storage'])]),
    ...entries.flatMap(([name, amount]) => [
      ...notNegative(amount, `${field}[${name}]`),
      ...positive(amount, `${field}[${name}]`),
    ]),
  ];
}

const validateAffinity = ({ required: nodes }: NonNullable<VolumeSpec['nodeAffinity']>, field: string): FieldCause[] =>
  nodes
    ? validateNodeSelector(nodes, `${field}.required`)
    : [required(`${field}.required`, 'must specify required node constraints')];

function validateAttributesClass({ volumeAttributesClassName: name, csi }: VolumeSpec, field: string): FieldCause[] {
  if (name === undefined) return [];
  const at = `${field}.volumeAttributesClassName`;
  return [
    ...(name === '' ? [required(at, 'an empty string is disallowed')] : validateClassName(name, at)),
    ...(csi ? [] : [required(`${field}.csi`, 'has to be specified when using volumeAttributesClassName')]),
  ];
}
