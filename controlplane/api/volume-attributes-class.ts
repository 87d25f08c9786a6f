// storage.k8s.io/v1 VolumeAttributesClass: attributes of volumes that may change while the volume is in use. The controller
// vac-protection keeps it while a volume or claim names it.
import type { V1VolumeAttributesClass } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, required } from './validation/causes';
import { isSame } from './validation/difference';
import { validateParameters, validateProvisioner } from './volumes/parameters';

export type VolumeAttributesClass = Wire<V1VolumeAttributesClass>;

const defaultAnnotation = 'volumeattributesclass.alpha.kubernetes.io/is-default-class';

export const volumeAttributesClasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  deletion: { answersWithObject: true },
  shortNames: ['vac'],
  namespaced: false,
  schema: { model: 'V1VolumeAttributesClass' },
  validate: ({ driverName = '', parameters = {} }, { old }) => {
    const isEmpty = Object.keys(parameters).length === 0;
    return [
      ...(old && driverName !== old.driverName
        ? [forbidden('driverName', 'updates to driverName are forbidden.')]
        : []),
      ...(old && !isSame(parameters, old.parameters)
        ? [forbidden('parameters', 'updates to parameters are forbidden.')]
        : []),
      ...validateProvisioner(driverName, 'driverName'),
      ...validateParameters(parameters, 'parameters'),
      ...(isEmpty ? [required('parameters', 'must contain at least one key/value pair')] : []),
    ];
  },
  columns: [
    {
      ...nameColumn,
      cell: ({ metadata }) =>
        `${metadata?.name ?? ''}${metadata?.annotations?.[defaultAnnotation] === 'true' ? ' (default)' : ''}`,
    },
    {
      name: 'DriverName',
      type: 'string',
      description: 'Name of the CSI driver',
      cell: ({ driverName }) => driverName ?? '',
    },
    ageColumn,
  ],
});
