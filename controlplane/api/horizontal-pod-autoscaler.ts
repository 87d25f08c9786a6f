// autoscaling/v2 HorizontalPodAutoscaler. autoscaling/v1 serves the same objects: horizontal-pod-autoscaler-v1.ts.
import type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { roundTripAnnotations } from './autoscaling/annotations';
import { defaultBehavior } from './autoscaling/behavior';
import { targetsCell } from './autoscaling/targets';
import { validateAutoscaler, validateAutoscalerStatus } from './autoscaling/validate';
import { type Column, defineKind } from './kind';
import { formatQuantity, parseQuantity } from './quantity';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';

export type HorizontalPodAutoscaler = Wire<V2HorizontalPodAutoscaler>;
type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;

/** Percent of the request, when no metric is given. */
export const defaultUtilization = 80;

function setDefaults(autoscaler: HorizontalPodAutoscaler): void {
  autoscaler.spec ??= {} as Spec;
  const { spec } = autoscaler;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: defaultUtilization };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (spec.behavior) defaultBehavior(spec.behavior);
  canonicalizeAmounts(spec);
}

const canonical = (amount: string): string => formatQuantity(parseQuantity(amount));

function canonicalizeAmounts({ metrics = [], behavior }: Spec): void {
  for (const { object, external, pods, resource, containerResource } of metrics) {
    for (const target of [object, external, pods, resource, containerResource].map((source) => source?.target)) {
      if (target?.value !== undefined) target.value = canonical(target.value);
      if (target?.averageValue !== undefined) target.averageValue = canonical(target.averageValue);
    }
  }
  for (const rules of [behavior?.scaleUp, behavior?.scaleDown]) {
    if (rules?.tolerance !== undefined) rules.tolerance = canonical(rules.tolerance);
  }
}

export const autoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  {
    name: 'Reference',
    type: 'string',
    description: 'The object whose replicas are scaled.',
    cell: ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
  },
  { name: 'Targets', type: 'string', description: 'The observed and the desired values.', cell: targetsCell },
  {
    name: 'MinPods',
    type: 'string',
    description: 'The lower limit of replicas.',
    cell: ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)),
  },
  {
    name: 'MaxPods',
    type: 'string',
    description: 'The upper limit of replicas.',
    cell: ({ spec }) => spec?.maxReplicas ?? 0,
  },
  {
    name: 'Replicas',
    type: 'string',
    description: 'The number of replicas that was last observed.',
    cell: ({ status }) => status?.currentReplicas ?? 0,
  },
  ageColumn,
];

export const horizontalPodAutoscalers = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V2HorizontalPodAutoscaler' },
  hasStatus: true,
  generation: 'absent',
  defaults: setDefaults,
  prepare: (autoscaler, { old }) => {
    if (!old) autoscaler.status = { desiredReplicas: 0 };
    // Only the form of v1 has them; here they would say something else than the fields.
    const { metadata } = autoscaler;
    for (const name of roundTripAnnotations) delete metadata?.annotations?.[name];
    if (metadata?.annotations && Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
  },
  validate: (autoscaler, { old, subresource }) => {
    if (subresource === 'status') return validateAutoscalerStatus(autoscaler);
    return validateAutoscaler(autoscaler.spec ?? ({} as Spec), old?.spec);
  },
  columns: autoscalerColumns,
});
