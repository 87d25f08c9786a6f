import t from 'tap';
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';
import {
  type Decision,
  decideByBadSelector,
  decideByBounds,
  decideByMetrics,
  decideWithoutSelector,
  type Metric,
  type MetricAnswer,
  planBounds,
} from './plan';

const now = Date.parse('2026-01-01T01:00:00Z');
const hpa = (over: object = {}): HorizontalPodAutoscaler => ({
  metadata: { name: 'a', namespace: 'n', uid: 'u' },
  spec: { minReplicas: 2, maxReplicas: 10, scaleTargetRef: { kind: 'Deployment', name: 'd' }, ...over },
});
const scale = (replicas: number) => ({ replicas, selector: 'app=a' });
const history = { recommendations: [], changes: [] };
const metric: Metric = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
};
const known = (replicas: number, name = 'cpu'): MetricAnswer => ({
  metric,
  name,
  answer: { replicas, utilization: 70, milli: 700 },
});
const unknown: MetricAnswer = {
  metric,
  reason: 'FailedGetResourceMetric',
  cause: 'failed to get cpu utilization: because',
  what: 'failed to get cpu resource metric value',
};
const states = ({ conditions }: Decision) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

t.test('bounds decide before metrics are read', async (t) => {
  t.same(planBounds(hpa(), scale(12)), { replicas: 10, why: 'Current number of replicas above Spec.MaxReplicas' });
  t.same(planBounds(hpa(), scale(1)), { replicas: 2, why: 'Current number of replicas below Spec.MinReplicas' });
  t.equal(planBounds(hpa(), scale(0)), 'disabled');
  t.equal(planBounds(hpa(), scale(5)), undefined);
  const disabled = decideByBounds(hpa(), 'disabled', now);
  t.same(states(disabled), ['AbleToScale=True SucceededGetScale', 'ScalingActive=False ScalingDisabled']);
  t.equal(disabled.resize, undefined);
  const above = decideByBounds(hpa(), { replicas: 10, why: 'w' }, now);
  t.same(above.resize, { replicas: 10, why: 'w' });
});

t.test('the metric that asks for most decides', async (t) => {
  const decision = decideByMetrics(hpa(), scale(3), [known(4, 'one'), known(6, 'two')], history, now);
  t.same(decision.resize, { replicas: 6, why: 'two above target' });
  t.equal(decision.recommendation, 6);
  t.same(states(decision), [
    'ScalingActive=True ValidMetricFound',
    'AbleToScale=True ReadyForNewScale',
    'ScalingLimited=False DesiredWithinRange',
  ]);
  t.same(decision.observed[0], {
    type: 'Resource',
    resource: { name: 'cpu', current: { averageUtilization: 70, averageValue: '700m' } },
  });
  const less = decideByMetrics(hpa(), scale(8), [known(5)], history, now);
  t.same(less.resize, { replicas: 5, why: 'All metrics below target' });
  t.equal(decideByMetrics(hpa(), scale(4), [known(4)], history, now).resize, undefined);
  const limited = decideByMetrics(hpa(), scale(8), [known(12)], history, now);
  t.match(limited.conditions.at(-1), { type: 'ScalingLimited', status: 'True', reason: 'TooManyReplicas' });
  t.equal(limited.resize?.replicas, 10);
});

t.test('a metric that is unknown prevents a smaller target, not a larger one', async (t) => {
  const all = decideByMetrics(hpa(), scale(3), [unknown], history, now);
  t.same(states(all), ['AbleToScale=True SucceededGetScale', 'ScalingActive=False FailedGetResourceMetric']);
  t.match(
    all.conditions.at(-1)?.message,
    'the HPA was unable to compute the replica count: failed to get cpu utilization: because',
  );
  t.same(all.reports, [
    { type: 'Warning', reason: 'FailedGetResourceMetric', message: 'failed to get cpu utilization: because' },
    {
      type: 'Warning',
      reason: 'FailedComputeMetricsReplicas',
      message:
        'invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ' +
        'failed to get cpu utilization: because',
    },
  ]);
  t.equal(all.unknown, true);
  t.same(all.observed, [{ type: '' }]);
  t.equal(decideByMetrics(hpa(), scale(5), [unknown, known(3)], history, now).resize, undefined);
  t.equal(decideByMetrics(hpa(), scale(3), [unknown, known(5)], history, now).resize?.replicas, 5);
});

t.test('a target without a selector', async (t) => {
  const decision = decideWithoutSelector(hpa(), now);
  t.same(states(decision), ['AbleToScale=True SucceededGetScale', 'ScalingActive=False InvalidSelector']);
});

t.test('conditions keep the time of their last change', async (t) => {
  const first = decideByMetrics(hpa(), scale(3), [unknown], history, now);
  const later = { ...hpa(), status: { desiredReplicas: 0, conditions: [...first.conditions] } };
  t.same(decideByMetrics(later, scale(3), [unknown], history, now + 60_000).conditions, first.conditions);
});

t.test('other autoscalers select the same pods', async (t) => {
  const decision = decideByBadSelector(hpa(), 'AmbiguousSelector', 'why', now);
  t.same(states(decision), ['AbleToScale=True SucceededGetScale', 'ScalingActive=False AmbiguousSelector']);
  t.same(
    decision.reports.map(({ reason, message }) => `${reason}: ${message}`),
    ['AmbiguousSelector: why', 'FailedComputeMetricsReplicas: why'],
  );
  t.equal(decision.resize, undefined);
});

t.test('the observed value of each type of metric', async (t) => {
  const answer = { replicas: 3, milli: 2500 };
  const observed = (metric: Metric, milli = answer.milli) =>
    decideByMetrics(hpa(), scale(3), [{ metric, name: 'm', answer: { ...answer, milli } }], history, now).observed[0];
  const named = { metric: { name: 'requests' } };
  const share = { type: 'AverageValue', averageValue: '1' };
  const whole = { type: 'Value', value: '1' };
  const describedObject = { kind: 'Ingress', name: 'i' };
  t.same(observed({ type: 'Pods', pods: { ...named, target: share } }), {
    type: 'Pods',
    pods: { ...named, current: { averageValue: '2500m' } },
  });
  t.same(observed({ type: 'Object', object: { ...named, describedObject, target: whole } }), {
    type: 'Object',
    object: { ...named, describedObject, current: { value: '2500m' } },
  });
  t.same(observed({ type: 'External', external: { ...named, target: share } }), {
    type: 'External',
    external: { ...named, current: { averageValue: '2500m' } },
  });
  t.same(observed({ type: 'External', external: { ...named, target: whole } }), {
    type: 'External',
    external: { ...named, current: { value: '2500m' } },
  });
  t.same(observed({ type: 'Resource', resource: { name: 'memory', target: share } }, 4_096_000), {
    type: 'Resource',
    resource: { name: 'memory', current: { averageValue: '4Ki' } },
  });
});
