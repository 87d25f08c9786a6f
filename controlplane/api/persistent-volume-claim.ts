// v1 PersistentVolumeClaim. The admission rule StorageObjectInUseProtection gives it a finalizer, which the controller
// pvc-protection removes.
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { canonicalize } from './quantity';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalidEach, notSupported, required } from './validation/causes';
import { qualifiedName } from './validation/names';
import { shortModes } from './volumes/access-modes';
import { notNegative } from './volumes/amounts';
import { type ClaimSpec, defaultClaimSpec, validateClaimSpec, warnOfFractions } from './volumes/claim-spec';
import { validateClaimUpdate } from './volumes/claim-update';
import { classOf, warnOfClassAnnotation } from './volumes/class-name';

export type PersistentVolumeClaim = Wire<V1PersistentVolumeClaim>;

function prepare(claim: PersistentVolumeClaim, { old, subresource }: WriteContext<PersistentVolumeClaim>): void {
  if (!old) claim.status = { phase: 'Pending' };
  if (subresource !== '' || !claim.spec) return;
  const { spec } = claim;
  const hadSource = old?.spec?.dataSource !== undefined || old?.spec?.dataSourceRef !== undefined;
  // References to other namespaces are an alpha feature of upstream, which drops them while it is off.
  if (spec.dataSourceRef?.namespace && !old?.spec?.dataSourceRef) delete spec.dataSourceRef;
  // Other sources can be set only by dataSourceRef. Old clients set them here and expect an empty volume.
  if (!hadSource && !spec.dataSourceRef && !isClaimOrSnapshot(spec.dataSource)) delete spec.dataSource;
  // At updates too: an old client does not repeat the other one.
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
  }
}

function isClaimOrSnapshot(source: ClaimSpec['dataSource']): boolean {
  const { apiGroup = '', kind } = source ?? {};
  return apiGroup === ''
    ? kind === 'PersistentVolumeClaim'
    : apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot';
}

function validate(
  claim: PersistentVolumeClaim,
  { old, subresource }: WriteContext<PersistentVolumeClaim>,
): FieldCause[] {
  if (subresource === 'status') return validateStatus(claim);
  const { spec = {} } = claim;
  return [...validateClaimSpec(spec, 'spec', old?.spec), ...(old ? validateClaimUpdate(claim, old) : [])];
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
].sort();

function validateStatus({ spec, status = {} }: PersistentVolumeClaim): FieldCause[] {
  const { capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} } = status;
  const states = 'status.allocatedResourceStatuses';
  const allocated = 'status.allocatedResources';
  return [
    ...(spec?.accessModes?.length ? [] : [required('Spec.accessModes')]),
    ...Object.entries(capacity).flatMap(([name, amount]) => notNegative(amount, `status.capacity[${name}]`)),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, state]) => [
      ...resourceName(name, states),
      ...(resizeStates.includes(state) ? [] : [notSupported(states, name, resizeStates)]),
    ]),
    ...Object.entries(allocatedResources).flatMap(([name, amount]) => {
      const causes = resourceName(name, allocated);
      return causes.length > 0 ? causes : notNegative(amount, `${allocated}[${name}]`);
    }),
  ];
}

function resourceName(name: string, field: string): FieldCause[] {
  const wrong = invalidEach(field, name, qualifiedName(name));
  const native = !name.includes('/') || name.includes('kubernetes.io/');
  if (wrong.length > 0 || !native || name === 'storage') return wrong;
  return [notSupported(field, name, ['storage'])];
}

const unset = '<unset>';

export const persistentVolumeClaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  deletion: { answersWithObject: true },
  shortNames: ['pvc'],
  namespaced: true,
  schema: { model: 'V1PersistentVolumeClaim' },
  hasStatus: true,
  generation: 'absent',
  defaults: (claim) => {
    if (claim.spec) defaultClaimSpec(claim.spec);
    claim.status ??= {};
    claim.status.phase ||= 'Pending';
    canonicalize(claim.status.capacity ?? {});
    canonicalize(claim.status.allocatedResources ?? {});
  },
  prepare,
  validate,
  warnings: (claim, { subresource }) =>
    subresource === '' ? [...warnOfClassAnnotation(claim), ...warnOfFractions(claim.spec ?? {}, 'spec')] : [],
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'phase represents the current phase of PersistentVolumeClaim.',
      cell: ({ metadata, status }) => (metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    {
      name: 'Volume',
      type: 'string',
      description: 'volumeName is the binding reference to the PersistentVolume backing this claim.',
      cell: ({ spec }) => spec?.volumeName ?? '',
    },
    {
      name: 'Capacity',
      type: 'string',
      description: 'capacity represents the actual resources of the underlying volume.',
      cell: ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.['storage'] ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      type: 'string',
      description: 'accessModes contains the actual access modes the volume backing the PVC has.',
      cell: ({ spec, status }) => (spec?.volumeName ? shortModes(status?.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      type: 'string',
      description: 'Name of the StorageClass that the claim requires.',
      cell: (claim) => classOf(claim) ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'Name of the VolumeAttributesClass that the claim requires.',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset,
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
