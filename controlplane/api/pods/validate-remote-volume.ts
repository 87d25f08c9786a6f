// Field rules of volumes that no node of k8ts can mount: checks required fields, so that an incomplete volume is refused at once.
import { isAbsolute } from 'node:path';
import type { FieldCause } from '../../base/errors';
import { invalid, required } from '../validation/causes';
import { oneOf } from '../validation/selectors';
import { validateClaimSpec } from '../volumes/claim-spec';
import type { Volume } from './types';
import { localPath } from './validate-path';

/** The required fields of each source, in the order in which messages report them. */
export const requiredFields = {
  awsElasticBlockStore: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  azureFile: ['secretName', 'shareName'],
  cephfs: ['monitors'],
  cinder: ['volumeID'],
  csi: ['driver'],
  flexVolume: ['driver'],
  gcePersistentDisk: ['pdName'],
  gitRepo: ['repository'],
  glusterfs: ['endpoints', 'path'],
  nfs: ['server', 'path'],
  persistentVolumeClaim: ['claimName'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  quobyte: ['registry', 'volume'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: ['volumeName'],
  vsphereVolume: ['volumePath'],
} as const satisfies { readonly [K in keyof Volume]?: readonly string[] };

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (value as { length?: number }).length === 0;

/** `volume` has one source. */
export function validateRemoteVolume(volume: Volume, field: string): FieldCause[] {
  const causes = Object.entries(requiredFields).flatMap(([type, keys]) => {
    const source = volume[type as keyof Volume] as Readonly<Record<string, unknown>> | undefined;
    if (!source) return [];
    return keys.filter((key) => isEmpty(source[key])).map((key) => required(`${field}.${type}.${key}`));
  });
  const { nfs, gitRepo, iscsi, image, ephemeral } = volume;
  if (nfs && !isAbsolute(nfs.path ?? ''))
    causes.push(invalid(`${field}.nfs.path`, nfs.path ?? '', 'must be an absolute path'));
  if (gitRepo?.directory) causes.push(...localPath(gitRepo.directory, `${field}.gitRepo.directory`));
  if (iscsi) causes.push(...validateIscsi(iscsi, `${field}.iscsi`));
  if (image) {
    if (!image.reference) causes.push(required(`${field}.image.reference`));
    causes.push(...oneOf(`${field}.image.pullPolicy`, image.pullPolicy, ['Always', 'IfNotPresent', 'Never']));
  }
  if (ephemeral) causes.push(...validateEphemeral(ephemeral, `${field}.ephemeral`));
  return causes;
}

const maxLun = 255;

function validateIscsi({ targetPortal, iqn = '', lun = 0 }: NonNullable<Volume['iscsi']>, field: string): FieldCause[] {
  const causes = targetPortal ? [] : [required(`${field}.targetPortal`)];
  if (iqn === '') causes.push(required(`${field}.iqn`));
  else if (!/^(iqn\.|eui\.|naa\.)/.test(iqn))
    causes.push(invalid(`${field}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa'));
  if (lun < 0 || lun > maxLun) causes.push(invalid(`${field}.lun`, lun, `must be between 0 and ${maxLun}, inclusive`));
  return causes;
}

function validateEphemeral({ volumeClaimTemplate }: NonNullable<Volume['ephemeral']>, field: string): FieldCause[] {
  const at = `${field}.volumeClaimTemplate`;
  return volumeClaimTemplate ? validateClaimSpec(volumeClaimTemplate.spec ?? {}, `${at}.spec`) : [required(at)];
}
