// apps/v1 ReplicaSet.
import type { V1ReplicaSet } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { defaultTemplate, validateAmount, validateReplicated, validateSelectorUpdate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { scaleSubresource } from './scale';
import { ageColumn, nameColumn, replicaColumns, workloadColumns } from './table';
import type { Wire } from './types';
import { validateReplicaStatus } from './validation/replica-status';

export type ReplicaSet = Wire<V1ReplicaSet>;

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  subresources: [scaleSubresource],
  schema: { model: 'V1ReplicaSet' },
  hasStatus: true,
  defaults: (set) => {
    set.spec ??= {} as NonNullable<ReplicaSet['spec']>;
    set.spec.replicas ??= 1;
    defaultTemplate(set.spec);
  },
  // Set the number of replicas at creation, since clients expect it at once.
  prepare: (object, { old }) => {
    if (!old) object.status = { replicas: 0 };
  },
  validate: ({ spec, status }, { old, subresource }) => {
    if (subresource === 'status') return validateReplicaStatus(status);
    if (subresource !== '') return [];
    const set = spec ?? ({} as NonNullable<ReplicaSet['spec']>);
    return [
      ...validateAmount('replicas', set),
      ...validateAmount('minReadySeconds', set),
      ...validateReplicated(set, old?.spec),
      ...validateSelectorUpdate(set.selector, old?.spec),
    ];
  },
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ metadata, spec }, { old, subresource }) =>
    subresource === '' ? warnOfTemplate(metadata, spec?.template, old?.spec?.template) : [],
  columns: [nameColumn, ...replicaColumns, ageColumn, ...workloadColumns],
});
