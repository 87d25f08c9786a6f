// The cell Targets of `kubectl get hpa`: the observed and the desired value of each metric.
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import { none } from '../table';

type Metric = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['metrics']>[number];
type Observed = NonNullable<NonNullable<HorizontalPodAutoscaler['status']>['currentMetrics']>[number];
type Value = NonNullable<Observed['resource']>['current'];
type Target = NonNullable<Metric['resource']>['target'];

const shown = 2;

export function targetsCell({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return none;
  const cells = metrics.slice(0, shown).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  const more = metrics.length > shown ? ` + ${metrics.length - shown} more...` : '';
  return `${cells.join(', ')}${more}`;
}

function metricText(metric: Metric, observed: Observed | undefined): string {
  const { external, pods, object, resource, containerResource } = metric;
  switch (metric.type) {
    case 'External':
      return amountText(external?.target, observed?.external?.current);
    case 'Object':
      return amountText(object?.target, observed?.object?.current);
    case 'Pods':
      return `${observed?.pods?.current?.averageValue ?? unknown}/${pods?.target?.averageValue ?? ''}`;
    case 'Resource':
      return `${resource?.name}: ${resourceText(resource?.target, observed?.resource?.current)}`;
    case 'ContainerResource':
      return `${containerResource?.name}: ${resourceText(containerResource?.target, observed?.containerResource?.current)}`;
    default:
      return '<unknown type>';
  }
}

const unknown = '<unknown>';

function amountText(target: Target | undefined, current: Value | undefined): string {
  return target?.averageValue === undefined
    ? `${current?.value ?? unknown}/${target?.value ?? ''}`
    : `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
}

function resourceText(target: Target | undefined, current: Value | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`;
  const percent = (value: number | undefined, otherwise: string) => (value === undefined ? otherwise : `${value}%`);
  return `${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`;
}
