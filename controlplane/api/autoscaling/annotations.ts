// What autoscaling/v1 has no fields for, as its objects show it: in annotations, as JSON in the form of v1. So a program of v1 that reads
// an object and writes it loses nothing.
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import { readMetric, readObserved, renderMetric, renderObserved } from './metric-forms';
import { type JsonFields, listOf, readJson } from './read-json';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Status = NonNullable<HorizontalPodAutoscaler['status']>;
type Behavior = NonNullable<Spec['behavior']>;
type Rules = NonNullable<Behavior['scaleUp']>;
type Condition = NonNullable<Status['conditions']>[number];

const prefix = 'autoscaling.alpha.kubernetes.io';
const metricsAnnotation = `${prefix}/metrics`;
const observedAnnotation = `${prefix}/current-metrics`;
const conditionsAnnotation = `${prefix}/conditions`;
const behaviorAnnotation = `${prefix}/behavior`;
export const specAnnotations = [metricsAnnotation, behaviorAnnotation];
export const statusAnnotations = [observedAnnotation, conditionsAnnotation];
export const roundTripAnnotations = [...specAnnotations, ...statusAnnotations];

export interface Annotated {
  readonly metrics?: NonNullable<Spec['metrics']>;
  readonly behavior?: Behavior;
  readonly observed?: NonNullable<Status['currentMetrics']>;
  readonly conditions?: readonly Condition[];
}

export function renderAnnotations({ metrics, behavior, observed, conditions }: Annotated): Record<string, string> {
  const texts: Record<string, string> = {};
  if (metrics?.length) texts[metricsAnnotation] = JSON.stringify(metrics.map(renderMetric));
  if (observed?.length) texts[observedAnnotation] = JSON.stringify(observed.map(renderObserved));
  if (conditions?.length) texts[conditionsAnnotation] = JSON.stringify(conditions);
  if (behavior) texts[behaviorAnnotation] = JSON.stringify(renderBehavior(behavior));
  return texts;
}

/** An annotation that cannot be read says nothing, as upstream. */
export function readAnnotations(annotations: Readonly<Record<string, string>>): Annotated {
  const read = <T>(name: string, reader: (value: unknown) => T): T | undefined =>
    annotations[name] === undefined ? undefined : readJson(annotations[name], reader);
  const metrics = read(metricsAnnotation, (value) => listOf(value, readMetric));
  const observed = read(observedAnnotation, (value) => listOf(value, readObserved));
  const conditions = read(conditionsAnnotation, (value) => listOf(value, readCondition));
  const behavior = read(behaviorAnnotation, (value) => listOf([value], readBehavior)[0]);
  return {
    ...(metrics ? { metrics } : {}),
    ...(observed ? { observed } : {}),
    ...(conditions ? { conditions } : {}),
    ...(behavior ? { behavior } : {}),
  };
}

function readCondition(fields: JsonFields): Condition {
  const time = fields.optionalText('lastTransitionTime');
  const reason = fields.optionalText('reason');
  const message = fields.optionalText('message');
  if (time !== undefined && Number.isNaN(Date.parse(time))) throw new TypeError('no time');
  return {
    type: fields.text('type'),
    status: fields.text('status'),
    ...(time === undefined ? {} : { lastTransitionTime: time }),
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  };
}

/** The names of upstream's own structs, with every field: it writes them without names for JSON. */
function renderBehavior({ scaleUp, scaleDown }: Behavior): object {
  const rules = (given: Rules | undefined) =>
    given === undefined
      ? null
      : {
          StabilizationWindowSeconds: given.stabilizationWindowSeconds ?? null,
          SelectPolicy: given.selectPolicy ?? null,
          Policies: (given.policies ?? []).map(({ type, value, periodSeconds }) => ({
            Type: type,
            Value: value,
            PeriodSeconds: periodSeconds,
          })),
          Tolerance: given.tolerance ?? null,
        };
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

function readBehavior(fields: JsonFields): Behavior {
  const rules = (name: string): Rules | undefined => {
    if (!fields.has(name)) return undefined;
    const given = fields.object(name);
    const window = given.integer('StabilizationWindowSeconds');
    const selectPolicy = given.optionalText('SelectPolicy');
    const tolerance = given.quantity('Tolerance');
    const policies = given.list('Policies', (policy) => ({
      type: policy.text('Type'),
      value: policy.integer('Value') ?? 0,
      periodSeconds: policy.integer('PeriodSeconds') ?? 0,
    }));
    return {
      ...(window === undefined ? {} : { stabilizationWindowSeconds: window }),
      ...(selectPolicy === undefined ? {} : { selectPolicy }),
      ...(policies.length > 0 ? { policies } : {}),
      ...(tolerance === undefined ? {} : { tolerance }),
    };
  };
  const [scaleUp, scaleDown] = [rules('ScaleUp'), rules('ScaleDown')];
  return { ...(scaleUp ? { scaleUp } : {}), ...(scaleDown ? { scaleDown } : {}) };
}
