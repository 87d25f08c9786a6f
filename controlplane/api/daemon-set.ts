// apps/v1 DaemonSet. Surging updates are refused: the controller replaces pods one after another on their nodes.
import { isDeepStrictEqual } from 'node:util';
import type { V1DaemonSet } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { parseInt64 } from '../base/integers';
import { defineKind, type WriteContext } from './kind';
import {
  defaultTemplate,
  onlyAlways,
  validateSelector,
  validateSelectorUpdate,
  validateTemplate,
} from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { ageColumn, formatLabels, nameColumn, workloadColumns } from './table';
import type { Wire } from './types';
import { forbidden, invalid, invalidEach, required } from './validation/causes';
import { nonNegative, percent } from './validation/names';
import { oneOf } from './validation/selectors';

export type DaemonSet = Wire<V1DaemonSet>;
type Status = NonNullable<DaemonSet['status']>;

function setDefaults(set: DaemonSet): void {
  set.spec ??= {} as NonNullable<DaemonSet['spec']>;
  const { spec } = set;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ??= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultTemplate(spec);
}

/** The server writes it: how often the template has changed, counted from 1. Pods have it as a label. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** An int64. */
export function templateGeneration({ metadata }: DaemonSet): bigint {
  const value = parseInt64(metadata?.annotations?.[generationAnnotation]) ?? 1n;
  return value < 1n ? 1n : value;
}

/** A writer may set the generation only at creation; later only a new template changes it. */
function countTemplates(set: DaemonSet, old: DaemonSet | undefined): void {
  let generation = templateGeneration(old ?? set);
  if (old && !isDeepStrictEqual(set.spec?.template, old.spec?.template)) generation++;
  set.metadata = {
    ...set.metadata,
    annotations: { ...set.metadata?.annotations, [generationAnnotation]: String(generation) },
  };
}

function validate({ spec }: DaemonSet, { old, subresource }: WriteContext<DaemonSet>): FieldCause[] {
  if (subresource !== '') return [];
  if (!spec) return [required('spec.template')];
  const { revisionHistoryLimit = 0, minReadySeconds = 0, updateStrategy, selector, template } = spec;
  const causes = [
    ...validateTemplate(template, old?.spec?.template, { selector, field: 'spec.template' }),
    ...validateSelector(selector, 'daemonset'),
    ...validateSelectorUpdate(selector, old?.spec),
    ...onlyAlways(template, 'spec.template', 'DaemonSet'),
    ...invalidEach('spec.minReadySeconds', minReadySeconds, nonNegative(minReadySeconds)),
  ];
  causes.push(...invalidEach('spec.revisionHistoryLimit', revisionHistoryLimit, nonNegative(revisionHistoryLimit)));
  causes.push(...oneOf('spec.updateStrategy.type', updateStrategy?.type, ['RollingUpdate', 'OnDelete']));
  const { maxUnavailable = 1, maxSurge = 0 } = (updateStrategy?.rollingUpdate ?? {}) as Record<string, number | string>;
  const field = 'spec.updateStrategy.rollingUpdate';
  const wrong = typeof maxUnavailable === 'string' ? percent(maxUnavailable) : nonNegative(maxUnavailable);
  causes.push(...invalidEach(`${field}.maxUnavailable`, maxUnavailable, wrong));
  if (Number.parseInt(String(maxSurge), 10) !== 0)
    causes.push(forbidden(`${field}.maxSurge`, 'not supported by this server'));
  else if (Number.parseInt(String(maxUnavailable), 10) === 0) {
    causes.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'cannot be 0 when maxSurge is 0'));
  }
  return causes;
}

const count = (name: string, description: string, of: (status: Status) => number | undefined) => ({
  name,
  type: 'integer' as const,
  description,
  cell: ({ status }: DaemonSet) => (status ? (of(status) ?? 0) : 0),
});

export const daemonSets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1DaemonSet' },
  hasStatus: true,
  defaults: setDefaults,
  // Set the numbers at creation, since clients expect them at once.
  prepare: (set, { old, subresource }) => {
    if (subresource === '') countTemplates(set, old);
    if (old) return;
    set.status = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
  },
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ spec }, { old, subresource }) =>
    subresource === '' ? warnOfTemplate(undefined, spec?.template, old?.spec?.template) : [],
  columns: [
    nameColumn,
    count('Desired', 'Nodes that should run the pod.', (status) => status.desiredNumberScheduled),
    count('Current', 'Nodes that should run the pod and do.', (status) => status.currentNumberScheduled),
    count('Ready', 'Nodes on which the pod is ready.', (status) => status.numberReady),
    count('Up-to-date', 'Nodes whose pod has the newest template.', (status) => status.updatedNumberScheduled),
    count('Available', 'Nodes on which the pod has been ready long enough.', (status) => status.numberAvailable),
    {
      name: 'Node Selector',
      type: 'string',
      description: 'Labels a node must have.',
      cell: ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector),
    },
    ageColumn,
    ...workloadColumns,
  ],
});
