// apps/v1 DaemonSet. Surging updates are refused: the controller replaces pods one after another on their nodes.
import { isDeepStrictEqual } from 'node:util';
import type { V1DaemonSet } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { parseInt64 } from '../base/integers';
import { defineKind, type WriteContext } from './kind';
import {
  defaultTemplate,
  matchLabels,
  onlyAlways,
  validateLoneTemplate,
  validateNotEmpty,
  validateSelectorUpdate,
} from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { ageColumn, formatLabels, nameColumn, workloadColumns } from './table';
import type { Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { isZero, notAbove100Percent } from './validation/count-or-percent';
import { nonNegative, percent } from './validation/names';
import { notDecremented, validateCounts } from './validation/replica-status';
import { validateLabelSelector } from './validation/selectors';

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
  // Each form of a DaemonSet that upstream writes has the annotation, so its writer owns it.
  if (set.metadata?.annotations?.[generationAnnotation] === undefined) annotateGeneration(set, 0n);
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
  annotateGeneration(set, generation);
}

function annotateGeneration(set: DaemonSet, generation: bigint): void {
  const annotations = { ...set.metadata?.annotations, [generationAnnotation]: String(generation) };
  set.metadata = { ...set.metadata, annotations };
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

function validate({ spec, status }: DaemonSet, { old, subresource }: WriteContext<DaemonSet>): FieldCause[] {
  if (subresource === 'status') {
    return [...validateCounts(status ?? {}, counts), ...notDecremented(status ?? {}, old?.status ?? {})];
  }
  if (subresource !== '') return [];
  if (!spec) return [required('spec.template')];
  const { revisionHistoryLimit = 0, minReadySeconds = 0, updateStrategy, selector, template } = spec;
  const wrong = validateLabelSelector(selector, 'spec.selector');
  const causes = [
    ...validateSelectorUpdate(selector, old?.spec),
    ...wrong,
    ...(wrong.length > 0 ? [] : matchLabels(template, selector, 'spec.template')),
    ...validateNotEmpty(selector, 'daemonset'),
    ...validateLoneTemplate(template, old?.spec?.template, 'spec.template'),
    ...onlyAlways(template, 'spec.template', 'DaemonSet'),
    ...invalidEach('spec.minReadySeconds', minReadySeconds, nonNegative(minReadySeconds)),
  ];
  causes.push(...validateStrategy(updateStrategy ?? {}));
  causes.push(...invalidEach('spec.revisionHistoryLimit', revisionHistoryLimit, nonNegative(revisionHistoryLimit)));
  return causes;
}

function validateStrategy(strategy: NonNullable<NonNullable<DaemonSet['spec']>['updateStrategy']>): FieldCause[] {
  const { type = '', rollingUpdate } = strategy;
  const types = ['RollingUpdate', 'OnDelete'];
  // Upstream shows the whole strategy, not its type.
  if (!types.includes(type)) return [notSupported('spec.updateStrategy', strategy, types)];
  if (type === 'OnDelete') return [];
  const { maxUnavailable = 1, maxSurge = 0 } = (rollingUpdate ?? {}) as Record<string, number | string>;
  const field = 'spec.updateStrategy.rollingUpdate';
  const given = { maxUnavailable, maxSurge };
  const shape = (value: number | string) => (typeof value === 'string' ? percent(value) : nonNegative(value));
  const causes = [
    ...Object.entries(given).flatMap(([name, value]) => invalidEach(`${field}.${name}`, value, shape(value))),
    ...Object.entries(given).flatMap(([name, value]) => notAbove100Percent(value, `${field}.${name}`)),
  ];
  // Upstream reads a text that is no percentage as 0.
  const isNone = (value: number | string) => isZero(value) || (typeof value === 'string' && percent(value).length > 0);
  if (!isNone(maxSurge) && !isNone(maxUnavailable)) {
    causes.push(invalid(`${field}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  } else if (isNone(maxSurge) && isNone(maxUnavailable)) {
    causes.push(required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
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
