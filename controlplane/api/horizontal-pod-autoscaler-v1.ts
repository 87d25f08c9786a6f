// autoscaling/v1 HorizontalPodAutoscaler: the objects of v2 with one field for the utilization of the CPU; annotations have the rest.
import type { V1HorizontalPodAutoscaler } from '@kubernetes/client-node';
import {
  type Annotated,
  readAnnotations,
  renderAnnotations,
  roundTripAnnotations,
  specAnnotations,
  statusAnnotations,
} from './autoscaling/annotations';
import { validateAutoscaler, validateAutoscalerStatus } from './autoscaling/validate';
import {
  autoscalerColumns,
  defaultUtilization,
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalers,
} from './horizontal-pod-autoscaler';
import { defineKind } from './kind';
import type { KubeObject, ObjectMeta, Wire } from './types';

export type HorizontalPodAutoscalerV1 = Wire<V1HorizontalPodAutoscaler>;

type SpecV2 = NonNullable<HorizontalPodAutoscaler['spec']>;
type Metric = NonNullable<SpecV2['metrics']>[number];
type StatusV2 = NonNullable<HorizontalPodAutoscaler['status']>;

/** The utilization that v1 has a field for. */
const cpuUtilization = ({ type, resource }: Metric): number | undefined =>
  type === 'Resource' && resource?.name === 'cpu' ? resource.target?.averageUtilization : undefined;

const cpuMetric = (averageUtilization: number): Metric => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

export function toV2(autoscaler: HorizontalPodAutoscalerV1): HorizontalPodAutoscaler {
  const { metadata, spec, status, ...rest } = autoscaler;
  const annotated = readAnnotations(metadata?.annotations ?? {});
  return {
    ...rest,
    ...(metadata ? { metadata: withoutRoundTrip(metadata) } : {}),
    ...(spec || annotated.metrics || annotated.behavior ? { spec: specToV2(spec, annotated) } : {}),
    ...(status || annotated.observed || annotated.conditions ? { status: statusToV2(status, annotated) } : {}),
  } as HorizontalPodAutoscaler;
}

function specToV2(spec: HorizontalPodAutoscalerV1['spec'], { metrics = [], behavior }: Annotated): SpecV2 {
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec ?? {};
  const all = cpu === undefined ? metrics : [...metrics, cpuMetric(cpu)];
  return { ...rest, ...(all.length > 0 ? { metrics: all } : {}), ...(behavior ? { behavior } : {}) } as SpecV2;
}

function statusToV2(status: HorizontalPodAutoscalerV1['status'], { observed, conditions }: Annotated): StatusV2 {
  const { currentCPUUtilizationPercentage: cpu, currentReplicas, ...rest } = status ?? {};
  const current =
    observed ??
    (cpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } }]);
  return {
    ...rest,
    // v1 shows a zero that v2 leaves out.
    ...(currentReplicas ? { currentReplicas } : {}),
    ...(current.length > 0 ? { currentMetrics: current } : {}),
    ...(conditions?.length ? { conditions: [...conditions] } : {}),
  } as StatusV2;
}

function withoutRoundTrip(metadata: ObjectMeta): ObjectMeta {
  const { annotations, ...rest } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([name]) => !roundTripAnnotations.includes(name));
  return kept.length > 0 ? { ...rest, annotations: Object.fromEntries(kept) } : rest;
}

export function fromV2(autoscaler: HorizontalPodAutoscaler): HorizontalPodAutoscalerV1 {
  const { metadata, spec, status, ...rest } = autoscaler;
  const metrics = spec?.metrics ?? [];
  const annotations = renderAnnotations({
    metrics: metrics.filter((metric) => cpuUtilization(metric) === undefined),
    ...(spec?.behavior ? { behavior: spec.behavior } : {}),
    ...(status?.currentMetrics ? { observed: status.currentMetrics } : {}),
    ...(status?.conditions ? { conditions: status.conditions } : {}),
  });
  const hasMore = Object.keys(annotations).length > 0;
  return {
    ...rest,
    ...(metadata || hasMore
      ? { metadata: hasMore ? { ...metadata, annotations: { ...metadata?.annotations, ...annotations } } : metadata }
      : {}),
    ...(spec ? { spec: specFromV2(spec) } : {}),
    ...(status ? { status: statusFromV2(status) } : {}),
  } as HorizontalPodAutoscalerV1;
}

function specFromV2({ metrics = [], behavior: _behavior, ...rest }: SpecV2): HorizontalPodAutoscalerV1['spec'] {
  const cpu = metrics.map(cpuUtilization).find((utilization) => utilization !== undefined);
  return { ...rest, ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }) };
}

function statusFromV2({
  currentMetrics = [],
  conditions: _conditions,
  currentReplicas = 0,
  ...rest
}: StatusV2): HorizontalPodAutoscalerV1['status'] {
  const cpu = currentMetrics.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu');
  const utilization = cpu?.resource?.current?.averageUtilization;
  return {
    ...rest,
    currentReplicas,
    ...(utilization === undefined ? {} : { currentCPUUtilizationPercentage: utilization }),
  };
}

function keepAnnotations(
  autoscaler: HorizontalPodAutoscalerV1,
  old: HorizontalPodAutoscalerV1 | undefined,
  names: readonly string[],
): void {
  const { metadata } = autoscaler;
  const annotations = { ...metadata?.annotations };
  for (const name of names) {
    const kept = old?.metadata?.annotations?.[name];
    if (kept === undefined) delete annotations[name];
    else annotations[name] = kept;
  }
  if (!metadata) return;
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
}

export const horizontalPodAutoscalersV1 = defineKind<HorizontalPodAutoscalerV1>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1HorizontalPodAutoscaler' },
  hasStatus: true,
  generation: 'absent',
  storage: {
    kind: horizontalPodAutoscalers,
    toStored: (autoscaler) => toV2(autoscaler) as KubeObject,
    fromStored: (object) => fromV2(object as HorizontalPodAutoscaler),
  },
  defaults: (autoscaler) => {
    autoscaler.spec ??= {} as NonNullable<HorizontalPodAutoscalerV1['spec']>;
    const { metadata, spec } = autoscaler;
    spec.minReplicas ??= 1;
    // A default only when no metric is given, not even in the annotation.
    if (spec.targetCPUUtilizationPercentage !== undefined) return;
    if (!readAnnotations(metadata?.annotations ?? {}).metrics?.length) {
      spec.targetCPUUtilizationPercentage = defaultUtilization;
    }
  },
  prepare: (autoscaler, { old, subresource }) => {
    if (!old) autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 };
    // Each write changes only its own part, in the annotations too.
    keepAnnotations(autoscaler, old, subresource === 'status' ? specAnnotations : statusAnnotations);
  },
  validate: (autoscaler, { old, subresource }) => {
    const next = toV2(autoscaler);
    if (subresource === 'status') return validateAutoscalerStatus(next);
    return validateAutoscaler(next.spec ?? ({} as SpecV2), old && toV2(old).spec);
  },
  columns: autoscalerColumns.map((column) => ({ ...column, cell: (object, now) => column.cell(toV2(object), now) })),
});
