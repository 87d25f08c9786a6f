// Field rules of volumes that a node gets from elsewhere. Nodes of k8ts mount csi, nfs and ephemeral; for the others the rules are
// upstream's, so that a wrong volume is refused at once.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach, required } from '../validation/causes';
import { validateAnnotations, validateLabels } from '../validation/metadata';
import { dns1123Subdomain } from '../validation/names';
import { validateClaimSpec } from '../volumes/claim-spec';
import { validateInitiatorOfPod, validateIqnOfPod } from '../volumes/iscsi-names';
import {
  azureDisk,
  between,
  fc,
  flexVolume,
  flocker,
  named,
  nfs,
  partition,
  quobyte,
  storageos,
  validateDriverName,
} from '../volumes/source-checks';
import type { Volume } from './types';
import { localPath } from './validate-path';

/** What rules of one volume look at in addition to the source. */
export interface VolumePlace {
  /** The path of the volume. */
  readonly field: string;
  readonly volumeName: string;
  /** Of a pod, not of a template: claims are named after the pod. */
  readonly podName: string | undefined;
  readonly isPod: boolean;
}
export type VolumeCheck<K extends keyof Volume> = (
  source: NonNullable<Volume[K]>,
  at: string,
  place: VolumePlace,
) => FieldCause[];

/** What each source needs beyond its required fields. */
export const remoteChecks: { readonly [K in keyof Volume]?: VolumeCheck<K> } = {
  awsElasticBlockStore: partition,
  azureDisk,
  cinder: ({ secretRef }, at) => named(secretRef, `${at}.secretRef`),
  csi: ({ driver, nodePublishSecretRef: secret }, at) => [
    ...validateDriverName(driver ?? '', `${at}.driver`),
    ...(secret?.name
      ? invalidEach(`${at}.name`, secret.name, dns1123Subdomain(secret.name))
      : named(secret, `${at}.nodePublishSecretRef`)),
  ],
  ephemeral: validateEphemeral,
  fc,
  flexVolume,
  flocker,
  gcePersistentDisk: partition,
  gitRepo: ({ directory = '' }, at) => localPath(directory, `${at}.directory`),
  iscsi: validateIscsi,
  nfs,
  quobyte,
  storageos: (source, at) => [...storageos(source, at), ...named(source.secretRef, `${at}.secretRef`)],
};

function validateIscsi(source: NonNullable<Volume['iscsi']>, at: string, place: VolumePlace): FieldCause[] {
  const { targetPortal = '', iqn = '', lun = 0, secretRef, initiatorName } = source;
  const tooMany =
    'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
  const length = Buffer.byteLength(`${place.volumeName}:${targetPortal}`);
  const chap = source.chapAuthDiscovery || source.chapAuthSession;
  return [
    ...(targetPortal === '' ? [required(`${at}.targetPortal`)] : []),
    ...validateIqnOfPod(iqn, `${at}.iqn`),
    ...between(lun, 0, 255, `${at}.lun`),
    ...(chap && !secretRef ? [required(`${at}.secretRef`)] : []),
    ...(initiatorName === undefined ? [] : validateInitiatorOfPod(initiatorName, `${at}.initiatorname`)),
    ...(initiatorName !== undefined && length > 64 ? [invalid(`${place.field}.name`, place.volumeName, tooMany)] : []),
  ];
}

function validateEphemeral(
  { volumeClaimTemplate: template }: NonNullable<Volume['ephemeral']>,
  at: string,
  { field, volumeName, podName }: VolumePlace,
): FieldCause[] {
  const claim = `${podName}-${volumeName}`;
  const wrong = podName && volumeName !== '' ? dns1123Subdomain(claim) : [];
  const unnamed = invalidEach(
    `${field}.name`,
    volumeName,
    wrong.map((message) => `PVC name ${JSON.stringify(claim)}: ${message}`),
  );
  const within = `${at}.volumeClaimTemplate`;
  if (!template) return [required(within), ...unnamed];
  return [
    ...validateAnnotations(template.metadata?.annotations, `${within}.metadata.annotations`),
    ...validateLabels(template.metadata?.labels, `${within}.metadata.labels`),
    ...validateClaimSpec(template.spec ?? {}, `${within}.spec`),
    ...unnamed,
  ];
}
