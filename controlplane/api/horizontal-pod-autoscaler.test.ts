import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers as v2 } from './horizontal-pod-autoscaler';
import {
  fromV2,
  type HorizontalPodAutoscalerV1,
  toV2,
  horizontalPodAutoscalersV1 as v1,
} from './horizontal-pod-autoscaler-v1';

const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const base = { scaleTargetRef, maxReplicas: 5 };
const alpha = 'autoscaling.alpha.kubernetes.io';
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const memory = {
  type: 'Resource',
  resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
};

t.test('defaults of v2', async (t) => {
  const { object, causes } = write(v2, { metadata, spec: base });
  t.same(causes, []);
  t.match(object.spec, { minReplicas: 1, metrics: [cpu(80)] });
  t.equal(object.spec?.behavior, undefined);
  const behavior = {
    scaleUp: { selectPolicy: 'Min' },
    scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 9 }] },
  };
  const { object: given } = write(v2, { metadata, spec: { ...base, behavior } });
  t.same(given.spec?.behavior, {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    },
    scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Pods', value: 1, periodSeconds: 9 }] },
  });
  const annotations = { [`${alpha}/metrics`]: '[]', other: 'kept' };
  const { object: plain } = write(v2, { metadata: { ...metadata, annotations }, spec: { ...base, metrics: [memory] } });
  t.same(plain.metadata?.annotations, { other: 'kept' });
});

t.test('rules', async (t) => {
  const target = { type: 'Value', value: '1' };
  const metric = { name: 'm' };
  const at = 'spec.metrics[0]';
  const types = '"ContainerResource", "External", "Object", "Pods", "Resource"';
  const cases: Array<{ name: string; spec: object; causes: string[] }> = [
    {
      name: 'replicas',
      spec: { maxReplicas: 0, minReplicas: 0 },
      causes: [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Required value: must be set and greater than 0',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    },
    {
      name: 'more at least than at most',
      spec: { minReplicas: 6 },
      causes: ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`'],
    },
    {
      name: 'the target',
      spec: { scaleTargetRef: { kind: '', name: 'a/b' } },
      causes: [
        'spec.scaleTargetRef.kind: Required value',
        `spec.scaleTargetRef.name: Invalid value: "a/b": may not contain '/'`,
        'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
      ],
    },
    {
      name: 'an unknown type',
      spec: { metrics: [{ type: 'X' }] },
      causes: [
        `${at}.type: Unsupported value: "X": supported values: ${types}`,
        `${at}.type: Unsupported value: "X": supported values: ${types}`,
      ],
    },
    {
      name: 'a source that is missing, and one of another type',
      spec: { metrics: [{ type: 'Pods', resource: memory.resource, external: { metric, target } }] },
      causes: [
        `${at}.pods: Required value: must populate information for the given metric source`,
        `${at}.external: Forbidden: must populate the given metric source only`,
        `${at}.resource: Forbidden: must populate the given metric source only`,
      ],
    },
    {
      name: 'a target of a resource',
      spec: { metrics: [{ type: 'Resource', resource: { name: '', target: { type: 'X' } } }] },
      causes: [
        `${at}.resource.name: Required value: must specify a resource name`,
        `${at}.resource.target.type: Invalid value: "X": must be either Utilization, Value, or AverageValue`,
        `${at}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
      ],
    },
    {
      name: 'both targets of a resource',
      spec: {
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 0, averageValue: '-1' } },
          },
        ],
      },
      causes: [
        `${at}.resource.target.averageValue: Invalid value: "-1": must be positive`,
        `${at}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
        `${at}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
      ],
    },
    {
      name: 'a resource of a container',
      spec: {
        metrics: [
          {
            type: 'ContainerResource',
            containerResource: { name: 'x', container: '', target: cpu(1).resource.target },
          },
        ],
      },
      causes: [
        `${at}.containerResource.name: Invalid value: "x": must be a standard resource type or fully qualified`,
        `${at}.containerResource.name: Invalid value: "x": must be a standard resource for containers`,
        `${at}.containerResource.container: Required value: must specify a container`,
      ],
    },
    {
      name: 'pods, objects and external metrics',
      spec: {
        metrics: [
          { type: 'Pods', pods: { metric: { name: '' }, target } },
          { type: 'Object', object: { describedObject: { kind: 'K', name: 'n' }, metric, target: { type: 'Value' } } },
          { type: 'External', external: { metric, target: { ...target, averageValue: '1' } } },
        ],
      },
      causes: [
        `${at}.pods.metric.name: Required value: must specify a metric name`,
        `${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
        'spec.metrics[1].object.target.averageValue: Required value: must set either a target value or averageValue',
        'spec.metrics[2].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target',
      ],
    },
    {
      name: 'behavior',
      spec: {
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'X', tolerance: '-1' },
          scaleDown: { policies: [{ type: 'X', value: 0, periodSeconds: 1801 }] },
        },
      },
      causes: [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "X": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0',
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    },
  ];
  for (const { name, spec, causes } of cases) {
    t.same(write(v2, { metadata, spec: { ...base, ...spec } }).causes, causes, name);
  }
  const { causes } = write(v1, { metadata, spec: { ...base, targetCPUUtilizationPercentage: 0 } });
  t.same(causes, [`${at}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`], 'v1');
  const { object } = write(v2, { metadata, spec: base });
  const status = { currentReplicas: -1, desiredReplicas: 1 };
  t.same(write(v2, { ...object, status }, object, 'status').causes, [
    'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

t.test('v1 has a field for the CPU and annotations for the rest; a round trip loses nothing', async (t) => {
  const { object } = write(v2, {
    metadata: { ...metadata, annotations: { own: 'x' } },
    spec: {
      ...base,
      metrics: [
        memory,
        {
          type: 'Pods',
          pods: {
            metric: { name: 'p', selector: { matchLabels: { a: 'b' } } },
            target: { type: 'AverageValue', averageValue: '5' },
          },
        },
        {
          type: 'Object',
          object: {
            describedObject: { kind: 'Service', name: 's', apiVersion: 'v1' },
            metric: { name: 'o' },
            target: { type: 'Value', value: '3' },
          },
        },
        { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '2' } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 9 } },
        },
        cpu(50),
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 60, tolerance: '50m' } },
    },
  });
  const stored = {
    ...object,
    status: {
      desiredReplicas: 2,
      currentReplicas: 2,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '400m' } } },
      ],
      conditions: [
        { type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'R', message: 'm' },
      ],
    },
  } as HorizontalPodAutoscaler;
  const shown = fromV2(stored);
  t.match(shown, {
    spec: { maxReplicas: 5, minReplicas: 1, targetCPUUtilizationPercentage: 50 },
    status: { currentReplicas: 2, desiredReplicas: 2, currentCPUUtilizationPercentage: 40 },
  });
  const { annotations = {} } = shown.metadata ?? {};
  t.equal(annotations['own'], 'x');
  t.match(JSON.parse(annotations[`${alpha}/metrics`] ?? ''), [
    { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
    { type: 'Pods', pods: { metricName: 'p', targetAverageValue: '5', selector: { matchLabels: { a: 'b' } } } },
    { type: 'Object', object: { target: { kind: 'Service', name: 's' }, metricName: 'o', targetValue: '3' } },
    { type: 'External', external: { metricName: 'e', targetAverageValue: '2' } },
    { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', targetAverageUtilization: 9 } },
  ]);
  t.same(JSON.parse(annotations[`${alpha}/behavior`] ?? ''), {
    ScaleUp: {
      StabilizationWindowSeconds: 0,
      SelectPolicy: 'Max',
      Policies: [
        { Type: 'Pods', Value: 4, PeriodSeconds: 15 },
        { Type: 'Percent', Value: 100, PeriodSeconds: 15 },
      ],
      Tolerance: null,
    },
    ScaleDown: {
      StabilizationWindowSeconds: 60,
      SelectPolicy: 'Max',
      Policies: [{ Type: 'Percent', Value: 100, PeriodSeconds: 15 }],
      Tolerance: '50m',
    },
  });
  t.same(toV2(shown), stored);
});

t.test('v1: defaults, and annotations that cannot be read', async (t) => {
  const cpuOf = (annotations: object | undefined, spec: object = {}) => {
    const { object, causes } = write(v1, {
      metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
      spec: { ...base, ...spec },
    });
    t.same(causes, []);
    return toV2(object).spec?.metrics;
  };
  t.same(cpuOf(undefined), [cpu(80)]);
  t.same(cpuOf(undefined, { targetCPUUtilizationPercentage: 30 }), [cpu(30)]);
  const metrics = JSON.stringify([{ type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } }]);
  t.same(cpuOf({ [`${alpha}/metrics`]: metrics }), [memory], 'other metrics: no default');
  t.same(cpuOf({ [`${alpha}/metrics`]: metrics }, { targetCPUUtilizationPercentage: 30 }), [memory, cpu(30)]);
  const unreadable = [
    'x',
    '{}',
    '[1]',
    '[{"type":1}]',
    '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":{}}}]',
    '[{"type":"Pods","pods":{"metricName":"p","targetAverageValue":"1","selector":{"matchLabels":{"a":1}}}}]',
  ];
  for (const text of unreadable) t.same(cpuOf({ [`${alpha}/metrics`]: text }), [cpu(80)], text);
});

t.test('v1: a write changes only its own part, in the annotations too', async (t) => {
  const stored = {
    metadata,
    spec: { ...base, minReplicas: 1, metrics: [memory] },
    status: { desiredReplicas: 1, conditions: [{ type: 'AbleToScale', status: 'True' }] },
  } as HorizontalPodAutoscaler;
  const old = fromV2(stored);
  const forged = { [`${alpha}/conditions`]: '[{"type":"Forged","status":"True"}]', [`${alpha}/metrics`]: '[]' };
  const body = (annotations: object) => ({ ...old, metadata: { ...old.metadata, annotations } });
  const ofObject = toV2(write(v1, body(forged), old as HorizontalPodAutoscalerV1).object);
  t.match(ofObject.status?.conditions, [{ type: 'AbleToScale' }]);
  const ofStatus = toV2(write(v1, body(forged), old as HorizontalPodAutoscalerV1, 'status').object);
  t.match(ofStatus.status?.conditions, [{ type: 'Forged' }]);
  t.match(ofStatus.spec?.metrics, [memory]);
});

t.test('columns of both versions', async (t) => {
  const object = {
    metadata,
    spec: { ...base, minReplicas: 2, metrics: [cpu(80), memory, cpu(1)] },
    status: {
      desiredReplicas: 3,
      currentReplicas: 3,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } }],
    },
  } as HorizontalPodAutoscaler;
  const cells = ['a', 'Deployment/d', 'cpu: 40%/80%, memory: <unknown>/1Gi + 1 more...', '2', 5, 3, '60s'];
  t.same(row(v2, object), cells);
  const short = { ...object, spec: { ...object.spec!, metrics: [memory, cpu(80)] } };
  t.same(row(v1, fromV2(short))[2], 'memory: <unknown>/1Gi, cpu: <unknown>/80%');
  const others = [
    { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '4' } } },
    { type: 'External', external: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '5' } } },
  ];
  t.equal(row(v2, { ...object, spec: { ...object.spec!, metrics: others } })[2], '<unknown>/4, <unknown>/5 (avg)');
  t.equal(row(v2, { ...object, spec: { ...object.spec!, metrics: [] } })[2], '<none>');
});
