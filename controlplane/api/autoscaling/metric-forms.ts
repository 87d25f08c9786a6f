// The metrics of HorizontalPodAutoscalers in the JSON of v1: the names of a metric and of its target's values are fields of the source.
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import type { JsonFields } from './read-json';

type Metric = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['metrics']>[number];
type Observed = NonNullable<NonNullable<HorizontalPodAutoscaler['status']>['currentMetrics']>[number];
type Reference = NonNullable<Metric['object']>['describedObject'];

/** Upstream writes it for a target that is absent, since its type is no pointer. */
const zero = '0';

export function renderMetric({ type, object, pods, resource, containerResource, external }: Metric): object {
  const ofResource = (source: NonNullable<Metric['resource']>) => ({
    name: source.name,
    targetAverageUtilization: source.target?.averageUtilization,
    targetAverageValue: source.target?.averageValue,
  });
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric?.name,
        targetValue: object.target?.value ?? zero,
        selector: object.metric?.selector,
        averageValue: object.target?.averageValue,
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric?.name,
        targetAverageValue: pods.target?.averageValue ?? zero,
        selector: pods.metric?.selector,
      },
    }),
    ...(resource && { resource: ofResource(resource) }),
    ...(containerResource && {
      containerResource: { ...ofResource(containerResource), container: containerResource.container },
    }),
    ...(external && {
      external: {
        metricName: external.metric?.name,
        metricSelector: external.metric?.selector,
        targetValue: external.target?.value,
        targetAverageValue: external.target?.averageValue,
      },
    }),
  };
}

/** The type of the target follows from which value is there. */
export function readMetric(fields: JsonFields): Metric {
  const metric: Metric = { type: fields.text('type') };
  if (fields.has('object')) {
    const source = fields.object('object');
    const averageValue = source.quantity('averageValue');
    const value = source.quantity('targetValue') ?? zero;
    metric.object = {
      describedObject: readReference(source.object('target')),
      metric: identifier(source, 'selector'),
      target: { type: averageValue === undefined ? 'Value' : 'AverageValue', ...defined({ value, averageValue }) },
    };
    // An average alone is written with a zero for the value that it has not.
    if (averageValue !== undefined && Number(value) === 0) delete metric.object.target.value;
  }
  if (fields.has('pods')) {
    const source = fields.object('pods');
    const averageValue = source.quantity('targetAverageValue') ?? zero;
    metric.pods = { metric: identifier(source, 'selector'), target: { type: 'AverageValue', averageValue } };
  }
  if (fields.has('resource')) metric.resource = readResource(fields.object('resource'));
  if (fields.has('containerResource')) {
    const source = fields.object('containerResource');
    metric.containerResource = { ...readResource(source), container: source.text('container') };
  }
  if (fields.has('external')) {
    const source = fields.object('external');
    const value = source.quantity('targetValue');
    const averageValue = source.quantity('targetAverageValue');
    metric.external = {
      metric: identifier(source, 'metricSelector'),
      target: { type: value === undefined ? 'AverageValue' : 'Value', ...defined({ value, averageValue }) },
    };
  }
  return metric;
}

function readResource(source: JsonFields): NonNullable<Metric['resource']> {
  const averageUtilization = source.integer('targetAverageUtilization');
  const averageValue = source.quantity('targetAverageValue');
  const type = averageUtilization === undefined ? 'AverageValue' : 'Utilization';
  return { name: source.text('name'), target: { type, ...defined({ averageUtilization, averageValue }) } };
}

/** Beyond upstream, an absent amount stays absent: upstream makes it a zero. */
export function renderObserved({ type, object, pods, resource, containerResource, external }: Observed): object {
  const ofResource = (source: NonNullable<Observed['resource']>) => ({
    name: source.name,
    currentAverageUtilization: source.current?.averageUtilization,
    currentAverageValue: source.current?.averageValue,
  });
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric?.name,
        currentValue: object.current?.value,
        selector: object.metric?.selector,
        averageValue: object.current?.averageValue,
      },
    }),
    ...(pods && {
      pods: {
        metricName: pods.metric?.name,
        currentAverageValue: pods.current?.averageValue,
        selector: pods.metric?.selector,
      },
    }),
    ...(resource && { resource: ofResource(resource) }),
    ...(containerResource && {
      containerResource: { ...ofResource(containerResource), container: containerResource.container },
    }),
    ...(external && {
      external: {
        metricName: external.metric?.name,
        metricSelector: external.metric?.selector,
        currentValue: external.current?.value,
        currentAverageValue: external.current?.averageValue,
      },
    }),
  };
}

export function readObserved(fields: JsonFields): Observed {
  const observed: Observed = { type: fields.text('type') };
  const amounts = (source: JsonFields, average: string) =>
    defined({ value: source.quantity('currentValue'), averageValue: source.quantity(average) });
  if (fields.has('object')) {
    const source = fields.object('object');
    observed.object = {
      describedObject: readReference(source.object('target')),
      metric: identifier(source, 'selector'),
      current: amounts(source, 'averageValue'),
    };
  }
  if (fields.has('pods')) {
    const source = fields.object('pods');
    const averageValue = source.quantity('currentAverageValue');
    observed.pods = { metric: identifier(source, 'selector'), current: defined({ averageValue }) };
  }
  const readCurrent = (source: JsonFields): NonNullable<Observed['resource']> => ({
    name: source.text('name'),
    current: defined({
      averageUtilization: source.integer('currentAverageUtilization'),
      averageValue: source.quantity('currentAverageValue'),
    }),
  });
  if (fields.has('resource')) observed.resource = readCurrent(fields.object('resource'));
  if (fields.has('containerResource')) {
    const source = fields.object('containerResource');
    observed.containerResource = { ...readCurrent(source), container: source.text('container') };
  }
  if (fields.has('external')) {
    const source = fields.object('external');
    observed.external = {
      metric: identifier(source, 'metricSelector'),
      current: amounts(source, 'currentAverageValue'),
    };
  }
  return observed;
}

function identifier(source: JsonFields, selectorName: string): NonNullable<Metric['pods']>['metric'] {
  const selector = source.selector(selectorName);
  return { name: source.text('metricName'), ...(selector ? { selector } : {}) };
}

function readReference(fields: JsonFields): Reference {
  const apiVersion = fields.optionalText('apiVersion');
  return { kind: fields.text('kind'), name: fields.text('name'), ...(apiVersion ? { apiVersion } : {}) };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
