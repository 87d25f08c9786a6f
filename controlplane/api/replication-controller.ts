// v1 ReplicationController: the elder form of a ReplicaSet. Its selector is a plain map.
import { isDeepStrictEqual } from 'node:util';
import type { V1ReplicationController } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { defaultTemplate, onlyAlways, validateTemplate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { scaleSubresource } from './scale';
import { ageColumn, containerColumns, formatLabels, nameColumn, replicaColumns } from './table';
import type { Wire } from './types';
import { invalidEach, required } from './validation/causes';
import { nonNegative } from './validation/names';
import { validateReplicaStatus } from './validation/replica-status';

export type ReplicationController = Wire<V1ReplicationController>;
type Spec = NonNullable<ReplicationController['spec']>;

/** Labels of the template are the default of the selector and of the object's own labels. */
function setDefaults(controller: ReplicationController): void {
  controller.spec ??= {} as Spec;
  const { spec } = controller;
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels };
    if (isEmpty(controller.metadata?.labels)) controller.metadata = { ...controller.metadata, labels: { ...labels } };
  }
  spec.replicas ??= 1;
  // Not an absent template: validation reports that field itself, as upstream.
  if (spec.template) defaultTemplate(spec);
}

const isEmpty = (map: Readonly<Record<string, string>> | undefined): boolean => Object.keys(map ?? {}).length === 0;

function validate(
  { spec, status }: ReplicationController,
  { old, subresource }: WriteContext<ReplicationController>,
): FieldCause[] {
  if (subresource === 'status') return validateReplicaStatus(status);
  const { selector, template, replicas = 0, minReadySeconds = 0 } = spec ?? {};
  const field = 'spec.template';
  return [
    ...invalidEach('spec.minReadySeconds', minReadySeconds, nonNegative(minReadySeconds)),
    ...(isEmpty(selector) ? [required('spec.selector')] : []),
    ...invalidEach('spec.replicas', replicas, nonNegative(replicas)),
    ...(template
      ? [
          ...validateTemplate(template, old?.spec?.template, { selector: { matchLabels: selector }, field }),
          ...onlyAlways(template, field, 'ReplicationController'),
        ]
      : [required(field)]),
  ];
}

export const replicationControllers = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  subresources: [scaleSubresource],
  schema: { model: 'V1ReplicationController' },
  hasStatus: true,
  deletion: { orphansByDefault: true },
  defaults: setDefaults,
  // Set the number of replicas at creation, since clients expect it at once.
  prepare: (object, { old }) => {
    if (!old) object.status = { replicas: 0 };
  },
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ metadata, spec }, { old, subresource }) =>
    subresource === '' && !isDeepStrictEqual(spec, old?.spec)
      ? warnOfTemplate(metadata, spec?.template, old?.spec?.template)
      : [],
  columns: [
    nameColumn,
    ...replicaColumns,
    ageColumn,
    ...containerColumns,
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'A label query over the pods of the workload.',
      cell: ({ spec }) => formatLabels(spec?.selector),
    },
  ],
  fields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
});
