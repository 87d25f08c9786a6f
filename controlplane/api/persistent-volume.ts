// v1 PersistentVolume. The admission rule StorageObjectInUseProtection gives it a finalizer, which the controller pv-protection
// removes.
import type { V1PersistentVolume } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { oldLabel, oldVolumes } from './pods/warnings';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid } from './validation/causes';
import { difference, isSame } from './validation/difference';
import { shortModes } from './volumes/access-modes';
import { classOf, warnOfClassAnnotation } from './volumes/class-name';
import { sourceOf, type VolumeSpec } from './volumes/validate-source';
import { defaultVolumeSpec, validateVolumeSpec } from './volumes/volume-spec';

export type PersistentVolume = Wire<V1PersistentVolume>;

function validate(volume: PersistentVolume, { old, subresource }: WriteContext<PersistentVolume>): FieldCause[] {
  if (subresource !== '') return [];
  const { metadata, spec = {} } = volume;
  return [...validateVolumeSpec(spec, metadata?.name ?? '', 'spec'), ...(old ? validateUpdate(spec, old) : [])];
}

function validateUpdate(spec: VolumeSpec, { spec: old = {} }: PersistentVolume): FieldCause[] {
  const causes: FieldCause[] = [];
  const source = sourceOf(spec);
  // The secret that a driver needs to expand volumes may be added.
  if (source.csi && old.csi && !old.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _added, ...csi } = source.csi;
    source.csi = csi;
  }
  if (!isSame(source, sourceOf(old))) {
    const detail = 'spec.persistentvolumesource is immutable after creation';
    causes.push(forbidden('spec.persistentvolumesource', `${detail}\n${difference(sourceOf(old), source)}`));
  }
  // These paths lack `spec`, as upstream.
  if (spec.volumeMode !== old.volumeMode) causes.push(invalid('volumeMode', spec.volumeMode, immutable));
  if (old.nodeAffinity && !isSame(renewed(old.nodeAffinity, spec.nodeAffinity), spec.nodeAffinity)) {
    const detail = `${immutable}, except for updating from beta label to GA`;
    causes.push(invalid('nodeAffinity', spec.nodeAffinity, detail));
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    causes.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return causes;
}

const stableLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

type Affinity = NonNullable<VolumeSpec['nodeAffinity']>;

/** `affinity` with the stable name of each old label that `now` has replaced. */
function renewed(affinity: Affinity, now: Affinity | undefined): Affinity {
  const copy = structuredClone(affinity);
  copy.required?.nodeSelectorTerms?.forEach((term, i) => {
    term.matchExpressions?.forEach((expression, j) => {
      const key = now?.required?.nodeSelectorTerms?.[i]?.matchExpressions?.[j]?.key;
      const stable = Object.hasOwn(stableLabels, expression.key) ? stableLabels[expression.key] : undefined;
      if (stable !== undefined && stable === key) expression.key = stable;
    });
  });
  return copy;
}

const mountOptions = 'volume.beta.kubernetes.io/mount-options';
const warnedSources = ['cephfs', 'photonPersistentDisk', 'scaleIO', 'storageos', 'glusterfs', 'rbd'] as const;

function warnings(volume: PersistentVolume, { subresource }: WriteContext<PersistentVolume>): string[] {
  if (subresource !== '') return [];
  const { metadata, spec = {} } = volume;
  const hasMountOptions = metadata?.annotations?.[mountOptions] !== undefined;
  const recycles =
    'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
  return [
    ...warnOfClassAnnotation(volume),
    ...(hasMountOptions
      ? [`metadata.annotations[${mountOptions}]: deprecated since v1.31; use "mountOptions" attribute instead`]
      : []),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle' ? [recycles] : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap(({ matchExpressions = [] }, i) =>
      matchExpressions.flatMap(({ key }, j) => {
        const why = oldLabel(key);
        const at = `spec.nodeAffinity.required.nodeSelectorTerms[${i}].matchExpressions[${j}].key`;
        return why ? [`${at}: ${key} is ${why}`] : [];
      }),
    ),
    ...warnedSources
      .filter((source) => spec[source])
      .map((source) => `spec.${source === 'storageos' ? 'storageOS' : source}: ${oldVolumes[source]}`),
  ];
}

const unset = '<unset>';

export const persistentVolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  deletion: { answersWithObject: true },
  shortNames: ['pv'],
  namespaced: false,
  schema: { model: 'V1PersistentVolume' },
  hasStatus: true,
  generation: 'absent',
  defaults: (volume) => {
    if (volume.spec) defaultVolumeSpec(volume.spec);
    volume.status ??= {};
    volume.status.phase ||= 'Pending';
  },
  prepare: (volume, { old }) => {
    if (!old) volume.status = { phase: 'Pending' };
  },
  validate,
  warnings,
  columns: [
    nameColumn,
    {
      name: 'Capacity',
      type: 'string',
      description: "capacity is the description of the persistent volume's resources and capacity.",
      cell: ({ spec }) => spec?.capacity?.['storage'] ?? '0',
    },
    {
      name: 'Access Modes',
      type: 'string',
      description: 'accessModes contains all ways the volume can be mounted.',
      cell: ({ spec }) => shortModes(spec?.accessModes),
    },
    {
      name: 'Reclaim Policy',
      type: 'string',
      description: 'What happens to the volume when it is released from its claim.',
      cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
    },
    {
      name: 'Status',
      type: 'string',
      description: 'phase indicates if a volume is available, bound to a claim, or released by a claim.',
      cell: ({ metadata, status }) => (metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    {
      name: 'Claim',
      type: 'string',
      description: 'claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim.',
      cell: ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''),
    },
    {
      name: 'StorageClass',
      type: 'string',
      description: 'Name of the StorageClass of the volume.',
      cell: (volume) => classOf(volume) ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'Name of the VolumeAttributesClass of the volume.',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset,
    },
    {
      name: 'Reason',
      type: 'string',
      description: 'Why the volume is in its state, for programs.',
      cell: ({ status }) => status?.reason ?? '',
    },
    ageColumn,
    {
      name: 'VolumeMode',
      type: 'string',
      priority: 1,
      description: 'The kind of volume: a file system or a block device.',
      cell: ({ spec }) => spec?.volumeMode ?? unset,
    },
  ],
});
