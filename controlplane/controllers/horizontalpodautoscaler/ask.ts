// What one metric of an autoscaler asks for. One function for each type of metric; names and errors are upstream's.
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';
import type { Pod } from '../../api/pod';
import { milliValue } from '../../api/quantity';
import type { PodMetrics } from '../../api/resource-metrics';
import { goText } from '../../api/scale';
import { describeError } from '../../base/errors';
import type { FoundScale } from '../../client/scale-client';
import type { MetricName, MetricsApi } from './metrics-api';
import type { Metric, MetricAnswer } from './plan';
import { type Answer, askResource, askUsages } from './resource-replicas';
import type { Tolerances } from './tolerances';
import { askShare, askValue } from './usage-ratio';

export interface AskDeps {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly scale: FoundScale;
  /** The pods that the target selects. */
  readonly pods: readonly Pod[];
  readonly api: MetricsApi;
  /** What the pods use: read once for all metrics. @throws Error */
  readonly podMetrics: () => Promise<readonly PodMetrics[]>;
  readonly tolerances: Tolerances;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** `cause` of a failure belongs to the condition; only an Event about all metrics has `what` and `before`. */
type Asked = { readonly name: string; readonly answer: Answer } | { readonly cause: string; readonly before?: string };

export async function ask(deps: AskDeps, metric: Metric): Promise<MetricAnswer> {
  const { asked, what } = await askByType(deps, metric);
  if ('answer' in asked) return { metric, name: asked.name, answer: asked.answer };
  const reason = what === '' ? 'InvalidMetricSourceType' : `FailedGet${metric.type}Metric`;
  return { metric, reason, cause: asked.cause, what: asked.before === undefined ? what : `${what}: ${asked.before}` };
}

async function askByType(deps: AskDeps, metric: Metric): Promise<{ readonly asked: Asked; readonly what: string }> {
  const { resource, containerResource, pods, object, external } = metric;
  if (metric.type === 'Resource' && resource) {
    return { asked: await askForResource(deps, metric), what: `failed to get ${resource.name} resource metric value` };
  }
  if (metric.type === 'ContainerResource' && containerResource) {
    const what = `failed to get ${containerResource.container} container metric value`;
    return { asked: await askForResource(deps, metric), what };
  }
  if (metric.type === 'Pods' && pods) {
    return { asked: await askForPods(deps, pods), what: 'failed to get pods metric value' };
  }
  if (metric.type === 'Object' && object) {
    return { asked: await askForObject(deps, object), what: 'failed to get object metric value' };
  }
  if (metric.type === 'External' && external) {
    const what = `failed to get ${external.metric.name} external metric value`;
    return { asked: await askForExternal(deps, external), what };
  }
  return { asked: { cause: `unknown metric source type "${metric.type}"` }, what: '' };
}

const namespaceOf = ({ autoscaler }: AskDeps): string => autoscaler.metadata?.namespace ?? '';

/** The answer, or the words of an error, after `before`. */
async function attempt<T>(before: string, fn: () => Promise<T | string>): Promise<T | { readonly cause: string }> {
  try {
    const found = await fn();
    return typeof found === 'string' ? { cause: `${before}${found}` } : found;
  } catch (err) {
    return { cause: `${before}${describeError(err)}` };
  }
}

async function askForResource(deps: AskDeps, { resource, containerResource }: Metric): Promise<Asked> {
  const { name, target } = (containerResource ?? resource)!;
  const container = containerResource ? { container: containerResource.container } : {};
  const byUtilization = target.averageValue === undefined;
  return attempt(`failed to get ${name} ${byUtilization ? 'utilization' : 'usage'}: `, async () => {
    const metrics = await deps.podMetrics().catch((err: unknown) => {
      throw new Error(`unable to get metrics for resource ${name}: ${describeError(err)}`, { cause: err });
    });
    const answer = askResource({
      wanted: { resource: name, ...container },
      target: byUtilization
        ? { utilization: target.averageUtilization ?? 0 }
        : { milli: milliValue(target.averageValue!) },
      metrics,
      ...pick(deps),
    });
    if (typeof answer === 'string') return answer;
    const of = byUtilization ? ' utilization (percentage of request)' : '';
    const noun = containerResource && byUtilization ? 'container resource' : 'resource';
    return { name: `${name} ${noun}${of}`, answer };
  });
}

const pick = ({ pods, scale, tolerances, now }: AskDeps) => ({ pods, current: scale.replicas, tolerances, now });

async function askForPods(deps: AskDeps, { metric, target }: NonNullable<Metric['pods']>): Promise<Asked> {
  return attempt('', async () => {
    const measured = await deps.api
      .custom(namespaceOf(deps), deps.scale.selector, metric, deps.signal)
      .catch((err: unknown) => {
        throw new Error(`unable to get metric ${metric.name}: ${describeError(err)}`, { cause: err });
      });
    const answer = askUsages({
      measured,
      resource: '',
      target: { milli: milliValue(target.averageValue ?? '0') },
      requests: () => new Map(),
      ...pick(deps),
    });
    return typeof answer === 'string' ? answer : { name: `pods metric ${metric.name}`, answer };
  });
}

async function askForObject(deps: AskDeps, source: NonNullable<Metric['object']>): Promise<Asked> {
  const { metric, target, describedObject } = source;
  const read = () =>
    deps.api.ofObject(namespaceOf(deps), describedObject, metric, deps.signal).catch((err: unknown) => {
      // The parts are in upstream's order.
      const where = `${describedObject.kind} on ${namespaceOf(deps)} ${describedObject.name}`;
      throw new Error(`unable to get metric ${metric.name}: ${where}/${describeError(err)}`, { cause: err });
    });
  if (target.type === 'Value' && target.value !== undefined) {
    return attempt('', async () => {
      const answer = byValue(deps, await read(), target.value!);
      return typeof answer === 'string' ? answer : { name: `${describedObject.kind} metric ${metric.name}`, answer };
    });
  }
  if (target.type === 'AverageValue' && target.averageValue !== undefined) {
    const asked = await attempt('', async () => ({
      name: externalName(metric),
      answer: byShare(deps, await read(), target.averageValue!),
    }));
    return { ...asked, before: `failed to get ${metric.name} object metric` };
  }
  return { cause: 'invalid object metric source: neither a value target nor an average value target was set' };
}

async function askForExternal(deps: AskDeps, { metric, target }: NonNullable<Metric['external']>): Promise<Asked> {
  const read = async () => {
    const values = await deps.api.external(namespaceOf(deps), metric, deps.signal).catch((err: unknown) => {
      const which = `${namespaceOf(deps)}/${metric.name}/${selectorInGo(metric)}`;
      throw new Error(`unable to get external metric ${which}: ${describeError(err)}`, { cause: err });
    });
    return values.reduce((total, each) => total + each, 0);
  };
  if (target.averageValue !== undefined) {
    const asked = await attempt('', async () => ({
      name: externalName(metric),
      answer: byShare(deps, await read(), target.averageValue!),
    }));
    return { ...asked, before: `failed to get ${metric.name} external metric` };
  }
  if (target.value !== undefined) {
    const asked = await attempt('', async () => {
      const answer = byValue(deps, await read(), target.value!);
      return typeof answer === 'string' ? answer : { name: externalName(metric), answer };
    });
    return { ...asked, before: `failed to get external metric ${metric.name}` };
  }
  return { cause: 'invalid external metric source: neither a value target nor an average value target was set' };
}

const byValue = ({ scale, pods, tolerances }: AskDeps, milli: number, target: string) =>
  askValue(milli, milliValue(target), scale.replicas, pods, tolerances);

const byShare = ({ scale, tolerances }: AskDeps, milli: number, target: string) =>
  askShare(milli, milliValue(target), scale.scale.status?.replicas ?? 0, tolerances);

const selectorInGo = ({ selector }: MetricName): string => (selector ? goText(selector) : 'nil');
const externalName = (metric: MetricName): string => `external metric ${metric.name}(${selectorInGo(metric)})`;
