// Field rules of one metric of a HorizontalPodAutoscaler.
import type { FieldCause } from '../../base/errors';
import { validateContainerResourceName } from '../pods/validate-resources';
import { parseQuantity } from '../quantity';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { dns1123Label, pathSegment } from '../validation/names';
import type { AutoscalerSpec } from './validate';
import { validateReference } from './validate-reference';

type Metric = NonNullable<AutoscalerSpec['metrics']>[number];
type Target = NonNullable<Metric['resource']>['target'];

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof sources)[number];
const sourceOf: Readonly<Record<string, Source>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

export function validateMetric(metric: Metric, field: string): FieldCause[] {
  const { type = '' } = metric;
  const types = Object.keys(sourceOf);
  const expected = Object.hasOwn(sourceOf, type) ? sourceOf[type] : undefined;
  const present = sources.filter((source) => metric[source] !== undefined);
  const [first] = present;
  const unknown = notSupported(`${field}.type`, type, types);
  return [
    ...(type === '' ? [required(`${field}.type`, 'must specify a metric source type')] : []),
    ...(expected ? [] : [unknown]),
    ...(first ? validateSource(metric, first, `${field}.${first}`) : []),
    // Upstream reports an unknown type twice.
    ...(expected ? [] : [unknown]),
    ...(expected && metric[expected] === undefined
      ? [required(`${field}.${expected}`, 'must populate information for the given metric source')]
      : []),
    ...(present.length === 1 ? [] : present)
      .filter((source) => source !== expected)
      .map((source) => forbidden(`${field}.${source}`, 'must populate the given metric source only')),
  ];
}

function validateSource(metric: Metric, source: Source, field: string): FieldCause[] {
  switch (source) {
    case 'object':
      return [
        ...validateReference(metric.object?.describedObject, `${field}.describedObject`),
        ...validateIdentifier(metric.object?.metric, `${field}.metric`),
        ...validateTarget(metric.object?.target, `${field}.target`),
        ...needsValue(metric.object?.target, `${field}.target`, 'must set either a target value or averageValue'),
      ];
    case 'external':
      return validateExternal(metric.external, field);
    case 'pods':
      return [
        ...validateIdentifier(metric.pods?.metric, `${field}.metric`),
        ...validateTarget(metric.pods?.target, `${field}.target`),
        ...(metric.pods?.target?.averageValue === undefined
          ? [required(`${field}.target.averageValue`, 'must specify a positive target averageValue')]
          : []),
      ];
    case 'resource':
      return [
        ...validateResourceName(metric.resource?.name, `${field}.name`, false),
        ...validateResourceTarget(metric.resource?.target, `${field}.target`),
      ];
    case 'containerResource':
      return [
        ...validateResourceName(metric.containerResource?.name, `${field}.name`, true),
        ...validateContainer(metric.containerResource?.container ?? '', `${field}.container`),
        ...validateResourceTarget(metric.containerResource?.target, `${field}.target`),
      ];
  }
}

function validateExternal(source: Metric['external'], field: string): FieldCause[] {
  const { metric, target } = source ?? {};
  const both = target?.value !== undefined && target.averageValue !== undefined;
  return [
    ...validateIdentifier(metric, `${field}.metric`),
    ...validateTarget(target, `${field}.target`),
    ...needsValue(target, `${field}.target`, 'must set either a target value for metric or a per-pod target'),
    ...(both
      ? [forbidden(`${field}.target.value`, 'may not set both a target value for metric and a per-pod target')]
      : []),
  ];
}

const needsValue = (target: Target | undefined, field: string, detail: string): FieldCause[] =>
  target?.value === undefined && target?.averageValue === undefined ? [required(`${field}.averageValue`, detail)] : [];

function validateResourceName(name: string | undefined, field: string, ofContainer: boolean): FieldCause[] {
  if (!name) return [required(field, 'must specify a resource name')];
  return ofContainer ? validateContainerResourceName(name, field) : [];
}

const validateContainer = (name: string, field: string): FieldCause[] =>
  name === '' ? [required(field, 'must specify a container')] : invalidEach(field, name, dns1123Label(name));

function validateResourceTarget(target: Target | undefined, field: string): FieldCause[] {
  const { averageUtilization, averageValue } = target ?? {};
  const detail = 'a target raw value and a target utilization';
  return [
    ...validateTarget(target, field),
    ...(averageUtilization === undefined && averageValue === undefined
      ? [required(`${field}.averageUtilization`, 'must set either a target raw value or a target utilization')]
      : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [forbidden(`${field}.averageValue`, `may not set both ${detail}`)]
      : []),
  ];
}

function validateTarget(target: Target | undefined, field: string): FieldCause[] {
  const { type = '', averageUtilization } = target ?? {};
  const amounts = (['value', 'averageValue'] as const).flatMap((name) => {
    const amount = target?.[name];
    return amount === undefined || parseQuantity(amount).nano > 0n
      ? []
      : [invalid(`${field}.${name}`, amount, 'must be positive')];
  });
  return [
    ...(type === '' ? [required(`${field}.type`, 'must specify a metric target type')] : []),
    ...(['Utilization', 'Value', 'AverageValue'].includes(type)
      ? []
      : [invalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...amounts,
    ...((averageUtilization ?? 1) < 1
      ? [invalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0')]
      : []),
  ];
}

function validateIdentifier(metric: { readonly name?: string } | undefined, field: string): FieldCause[] {
  const { name = '' } = metric ?? {};
  return name === ''
    ? [required(`${field}.name`, 'must specify a metric name')]
    : invalidEach(`${field}.name`, name, pathSegment(name));
}
