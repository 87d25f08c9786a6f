// storage.k8s.io/v1 VolumeAttachment: the intent to attach a volume to a node. The attach-detach controller makes it,
// and the attacher of a CSI driver writes the status.
import type { V1VolumeAttachment } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid, invalidEach, required, tooLong } from './validation/causes';
import { isSame } from './validation/difference';
import { dns1123Subdomain } from './validation/names';
import { validateDriverName } from './volumes/source-checks';
import { defaultVolumeSource, validateInlineSpec } from './volumes/volume-spec';

export type VolumeAttachment = Wire<V1VolumeAttachment>;

const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;

function validate(attachment: VolumeAttachment, { old }: WriteContext<VolumeAttachment>): FieldCause[] {
  const { attacher = '', source, nodeName = '' } = attachment.spec ?? {};
  const volume = source?.persistentVolumeName;
  return [
    ...validateDriverName(attacher, 'spec.attacher'),
    ...validateSource(source),
    ...invalidEach('spec.nodeName', nodeName, dns1123Subdomain(nodeName)),
    ...validateStatus(attachment.status),
    ...(volume === undefined ? [] : invalidEach('spec.source.persistentVolumeName', volume, dns1123Subdomain(volume))),
    ...(old && !isSame(attachment.spec, old.spec) ? [invalid('spec', attachment.spec, immutable)] : []),
  ];
}

function validateSource(source: NonNullable<VolumeAttachment['spec']>['source'] | undefined): FieldCause[] {
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source ?? {};
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (!inline && name === undefined) return [required('spec.source', one)];
  if (inline && name !== undefined) return [forbidden('spec.source', one)];
  if (inline) return validateInlineSpec(inline, 'spec.source.inlineVolumeSpec');
  const field = 'spec.source.persistentVolumeName';
  return name === '' ? [required(field, 'must specify non empty persistentVolumeName')] : [];
}

function validateStatus(status: VolumeAttachment['status']): FieldCause[] {
  const entries = Object.entries(status?.attachmentMetadata ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...(bytes > maxMetadataBytes ? [tooLong('status.attachmentMetadata', maxMetadataBytes)] : []),
    ...(['attachError', 'detachError'] as const).flatMap((key) => {
      const { message = '', errorCode = 0 } = status?.[key] ?? {};
      const range = 'must be between 0 and 2147483647, inclusive';
      // The bound in the message is upstream's, which names another one than it checks.
      return [
        ...(Buffer.byteLength(message) > maxMessageBytes ? [tooLong(`status.${key}.message`, maxMetadataBytes)] : []),
        ...(errorCode < 0 ? [invalid(`status.${key}.errorCode`, errorCode, range)] : []),
      ];
    }),
  ];
}

export const volumeAttachments = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
  deletion: { answersWithObject: true },
  schema: { model: 'V1VolumeAttachment' },
  hasStatus: true,
  statusKeeps: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: 'absent',
  defaults: ({ spec }) => {
    if (spec?.source?.inlineVolumeSpec) defaultVolumeSource(spec.source.inlineVolumeSpec);
  },
  prepare: (attachment, { old }) => {
    if (!old) attachment.status = { attached: false };
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Attacher',
      type: 'string',
      format: 'name',
      description: 'The volume driver that must handle the request.',
      cell: ({ spec }) => spec?.attacher ?? '',
    },
    {
      name: 'PV',
      type: 'string',
      description: 'The name of the persistent volume to attach.',
      cell: ({ spec }) => spec?.source?.persistentVolumeName ?? '',
    },
    {
      name: 'Node',
      type: 'string',
      description: 'The node that the volume is attached to.',
      cell: ({ spec }) => spec?.nodeName ?? '',
    },
    {
      name: 'Attached',
      type: 'boolean',
      description: 'Whether the volume is attached.',
      cell: ({ status }) => status?.attached ?? false,
    },
    ageColumn,
  ],
});
