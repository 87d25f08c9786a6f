// From a HorizontalPodAutoscaler, the scale of its target and the answers of its metrics to the next size and the status. Pure.
import { conditionAfter } from '../../api/conditions';
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';
import { formatQuantity } from '../../api/quantity';
import { type History, type Limited, limitReplicas } from './limits';
import type { Answer } from './resource-replicas';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
export type Metric = NonNullable<Spec['metrics']>[number];
type Status = NonNullable<HorizontalPodAutoscaler['status']>;
type Observed = NonNullable<Status['currentMetrics']>[number];
type Condition = NonNullable<Status['conditions']>[number];

export interface Report {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}
/** The scale of the target. */
export interface Scale {
  readonly replicas: number;
  readonly selector: string;
}
/** What one metric asks for, or why that is unknown. */
export type MetricAnswer =
  | { readonly metric: Metric; readonly name: string; readonly answer: Answer }
  | {
      readonly metric: Metric;
      /** That of the condition, and of an Event. */
      readonly reason: string;
      readonly cause: string;
      /** Which value is unknown: `failed to get cpu resource metric value`. */
      readonly what: string;
    };

export interface Decision {
  /** The next size; absent when the target stays as it is. */
  readonly resize?: { readonly replicas: number; readonly why: string };
  /** What the metrics ask for: it belongs to the history. */
  readonly recommendation?: number;
  readonly conditions: readonly Condition[];
  readonly observed: readonly Observed[];
  readonly reports: readonly Report[];
  /** True when no size could be computed: the desired one stays as it was reported. */
  readonly unknown?: boolean;
}

type Next = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The list with these conditions in place of those of their types. */
export function withConditions(
  before: readonly Condition[] | undefined,
  next: readonly Next[],
  now: number,
): Condition[] {
  const list = [...(before ?? [])];
  for (const condition of next) {
    const at = list.findIndex(({ type }) => type === condition.type);
    const after: Condition = conditionAfter(list[at] as never, condition as never, now);
    if (at < 0) list.push(after);
    else list[at] = after;
  }
  return list;
}

const condition = (type: string, holds: boolean, reason: string, message: string): Next => ({
  type,
  status: holds ? 'True' : 'False',
  reason,
  message,
});
const ableToScale = condition(
  'AbleToScale',
  true,
  'SucceededGetScale',
  "the HPA controller was able to get the target's current scale",
);

/** The size that follows from the bounds alone, so that no metric has to be read; undefined when metrics decide. */
export function planBounds({ spec }: HorizontalPodAutoscaler, { replicas }: Scale): Decision['resize'] | 'disabled' {
  const { minReplicas = 1, maxReplicas = 0 } = spec ?? {};
  // Scaling from zero is behind upstream's gate HPAScaleToZero, which is off.
  if (replicas === 0) return 'disabled';
  if (replicas > maxReplicas) {
    return { replicas: maxReplicas, why: 'Current number of replicas above Spec.MaxReplicas' };
  }
  if (replicas < minReplicas) {
    return { replicas: minReplicas, why: 'Current number of replicas below Spec.MinReplicas' };
  }
  return undefined;
}

export function decideByBounds(
  hpa: HorizontalPodAutoscaler,
  resize: NonNullable<ReturnType<typeof planBounds>>,
  now: number,
): Decision {
  const before = hpa.status?.conditions;
  // As upstream: no metric was read.
  const observed: Observed[] = [];
  if (resize !== 'disabled') {
    return { resize, conditions: withConditions(before, [ableToScale], now), observed, reports: [] };
  }
  const detail = 'scaling is disabled since the replica count of the target is zero';
  const disabled = condition('ScalingActive', false, 'ScalingDisabled', detail);
  return { conditions: withConditions(before, [ableToScale, disabled], now), observed, reports: [] };
}

/** The target says not which pods it has. */
export function decideWithoutSelector(hpa: HorizontalPodAutoscaler, now: number): Decision {
  const missing = condition('ScalingActive', false, 'InvalidSelector', "the HPA target's scale is missing a selector");
  return {
    conditions: withConditions(hpa.status?.conditions, [ableToScale, missing], now),
    observed: [],
    reports: [
      { type: 'Warning', reason: 'SelectorRequired', message: 'selector is required' },
      { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message: 'selector is required' },
    ],
    unknown: true,
  };
}

/** The selector of the target cannot be read, or other autoscalers select the same pods. `reason` is also that of an Event. */
export function decideByBadSelector(
  hpa: HorizontalPodAutoscaler,
  reason: 'InvalidSelector' | 'AmbiguousSelector',
  message: string,
  now: number,
): Decision {
  const inactive = condition('ScalingActive', false, reason, message);
  return {
    conditions: withConditions(hpa.status?.conditions, [ableToScale, inactive], now),
    observed: [],
    reports: [
      { type: 'Warning', reason, message },
      { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message },
    ],
    unknown: true,
  };
}

export function decideByMetrics(
  hpa: HorizontalPodAutoscaler,
  { replicas: current }: Scale,
  answers: readonly MetricAnswer[],
  history: History,
  now: number,
): Decision {
  const before = hpa.status?.conditions;
  const observed = answers.map(observe);
  const failures = answers.filter((answer) => 'reason' in answer);
  const known = answers.filter((answer) => 'answer' in answer);
  const reports: Report[] = failures.map(({ reason, cause }) => ({ type: 'Warning', reason, message: cause }));
  const best = known.reduce<(typeof known)[number] | undefined>(
    (highest, next) => (highest && highest.answer.replicas >= next.answer.replicas ? highest : next),
    undefined,
  );
  const [first] = failures;
  if (first) {
    const count = `${failures.length} invalid out of ${answers.length}`;
    const message = `invalid metrics (${count}), first error is: ${first.what === '' ? '' : `${first.what}: `}${first.cause}`;
    // A metric that is unknown might ask for more than the others.
    if (!best || best.answer.replicas < current) {
      const detail = `the HPA was unable to compute the replica count: ${first.cause}`;
      const inactive = condition('ScalingActive', false, first.reason, detail);
      reports.push({ type: 'Warning', reason: 'FailedComputeMetricsReplicas', message });
      const conditions = withConditions(before, [ableToScale, inactive], now);
      return { conditions, observed, reports, unknown: true };
    }
  }
  const asked = best?.answer.replicas ?? current;
  const found = `the HPA was able to successfully calculate a replica count from ${best?.name}`;
  const limited = limitReplicas(hpa.spec!, current, asked, history, now);
  const next = [condition('ScalingActive', true, 'ValidMetricFound', found), ...limitConditions(limited)];
  const conditions = withConditions(before, next, now);
  const decision = { recommendation: asked, conditions, observed, reports };
  if (limited.replicas === current) return decision;
  const why = asked > current ? `${best?.name} above target` : 'All metrics below target';
  return { ...decision, resize: { replicas: limited.replicas, why } };
}

function limitConditions({ stabilized, bound }: Limited): Next[] {
  const able =
    stabilized === undefined
      ? condition('AbleToScale', true, 'ReadyForNewScale', 'recommended size matches current size')
      : stabilized === 'down'
        ? condition(
            'AbleToScale',
            true,
            'ScaleDownStabilized',
            'recent recommendations were higher than current one, applying the highest recent recommendation',
          )
        : condition(
            'AbleToScale',
            true,
            'ScaleUpStabilized',
            'recent recommendations were lower than current one, applying the lowest recent recommendation',
          );
  const within = 'the desired count is within the acceptable range';
  return [
    able,
    bound
      ? condition('ScalingLimited', true, bound, boundTexts[bound])
      : condition('ScalingLimited', false, 'DesiredWithinRange', within),
  ];
}

const boundTexts: Readonly<Record<NonNullable<Limited['bound']>, string>> = {
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
};

/** A metric that is unknown keeps its place in the list, without a type, as upstream. */
function observe(answer: MetricAnswer): Observed {
  if (!('answer' in answer)) return { type: '' };
  const { type, resource, containerResource, pods, object, external } = answer.metric;
  const { milli, utilization } = answer.answer;
  const name = (containerResource ?? resource)?.name;
  // As metrics-server shows memory.
  const format = name === 'memory' ? 'BinarySI' : 'DecimalSI';
  const amount = formatQuantity({ nano: BigInt(milli) * 1_000_000n, format });
  const average = { averageValue: amount, ...(utilization === undefined ? {} : { averageUtilization: utilization }) };
  if (containerResource) {
    return { type, containerResource: { name: name!, container: containerResource.container, current: average } };
  }
  if (pods) return { type, pods: { metric: pods.metric, current: average } };
  if (object) {
    const { metric, target, describedObject } = object;
    return {
      type,
      object: { metric, current: target.type === 'Value' ? { value: amount } : average, describedObject },
    };
  }
  if (external) {
    const { metric, target } = external;
    return { type, external: { metric, current: target.averageValue === undefined ? { value: amount } : average } };
  }
  return { type, resource: { name: name ?? '', current: average } };
}

/** After the write of the new size. */
export const resized = (replicas: number): Next =>
  condition(
    'AbleToScale',
    true,
    'SucceededRescale',
    `the HPA controller was able to update the target scale to ${replicas}`,
  );
export const notResized = (cause: string): Next =>
  condition(
    'AbleToScale',
    false,
    'FailedUpdateScale',
    `the HPA controller was unable to update the target scale: ${cause}`,
  );
export const noScale = (cause: string): Next =>
  condition(
    'AbleToScale',
    false,
    'FailedGetScale',
    `the HPA controller was unable to get the target's current scale: ${cause}`,
  );
