// apps/v1 Deployment.
import type { V1Deployment } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { defaultTemplate, validateAmount, validateReplicated, validateSelectorUpdate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { scaleSubresource } from './scale';
import { ageColumn, nameColumn, workloadColumns } from './table';
import type { Wire } from './types';
import { forbidden, invalid, invalidEach, notSupported, required } from './validation/causes';
import { isZero, notAbove100Percent, validateCountOrPercent } from './validation/count-or-percent';
import { nonNegative } from './validation/names';
import { validateDeploymentStatus } from './validation/replica-status';

export type Deployment = Wire<V1Deployment>;
type Strategy = NonNullable<NonNullable<Deployment['spec']>['strategy']>;

function setDefaults(deployment: Deployment): void {
  deployment.spec ??= {} as NonNullable<Deployment['spec']>;
  const { spec } = deployment;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ??= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  defaultTemplate(spec);
}

function validate({ spec, status }: Deployment, { old, subresource }: WriteContext<Deployment>): FieldCause[] {
  if (subresource === 'status') return validateDeploymentStatus(status, old?.status);
  if (subresource !== '') return [];
  if (!spec) return [required('spec.selector')];
  const { minReadySeconds = 0, progressDeadlineSeconds, revisionHistoryLimit = 0 } = spec;
  const causes = [...validateAmount('replicas', spec), ...validateReplicated(spec, old?.spec)];
  if (spec.strategy) causes.push(...validateStrategy(spec.strategy, 'spec.strategy'));
  causes.push(...validateAmount('minReadySeconds', spec));
  causes.push(...invalidEach('spec.revisionHistoryLimit', revisionHistoryLimit, nonNegative(revisionHistoryLimit)));
  if (progressDeadlineSeconds !== undefined) {
    const field = 'spec.progressDeadlineSeconds';
    causes.push(...invalidEach(field, progressDeadlineSeconds, nonNegative(progressDeadlineSeconds)));
    if (progressDeadlineSeconds <= minReadySeconds) {
      causes.push(invalid(field, progressDeadlineSeconds, 'must be greater than minReadySeconds'));
    }
  }
  return [...causes, ...validateSelectorUpdate(spec.selector, old?.spec)];
}

function validateStrategy(strategy: Strategy, field: string): FieldCause[] {
  const { type = '', rollingUpdate } = strategy;
  if (type === 'Recreate' && rollingUpdate) {
    return [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  const types = ['Recreate', 'RollingUpdate'];
  // Upstream shows the whole strategy, not its type.
  if (!types.includes(type)) return [notSupported(field, strategy, types)];
  const causes: FieldCause[] = [];
  if (!rollingUpdate) return causes;
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const at = `${field}.rollingUpdate`;
  causes.push(...validateCountOrPercent(maxUnavailable, `${at}.maxUnavailable`));
  causes.push(...validateCountOrPercent(maxSurge, `${at}.maxSurge`));
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    causes.push(invalid(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  causes.push(...notAbove100Percent(maxUnavailable, `${at}.maxUnavailable`));
  return causes;
}

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  subresources: [scaleSubresource],
  schema: { model: 'V1Deployment' },
  hasStatus: true,
  statusKeeps: ['labels'],
  // Annotations of a Deployment are copied to its ReplicaSets, so the controller has to act on them too.
  generation: 'spec+annotations',
  defaults: setDefaults,
  prepare: (deployment, { old }) => {
    if (!old) deployment.status = {};
  },
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ metadata, spec }, { old, subresource }) =>
    subresource === '' ? warnOfTemplate(metadata, spec?.template, old?.spec?.template) : [],
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    {
      name: 'Up-to-date',
      type: 'string',
      description: 'Total number of non-terminating pods of this deployment with the desired template spec.',
      cell: ({ status }) => status?.updatedReplicas ?? 0,
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Total number of available pods of this deployment.',
      cell: ({ status }) => status?.availableReplicas ?? 0,
    },
    ageColumn,
    ...workloadColumns,
  ],
});
