// Reads the three metrics APIs: resource metrics of pods, custom metrics of objects, external metrics. Each has an API server of its
// own behind an APIService, or none; the errors have upstream's words.
import type { APIService } from '../../api/api-service';
import type { Catalog } from '../../api/catalog';
import type { KindRef } from '../../api/kind';
import { milliValue } from '../../api/quantity';
import { type PodMetrics, podMetrics } from '../../api/resource-metrics';
import { selectorText } from '../../api/scale';
import type { KubeObject, LabelSelector } from '../../api/types';
import { describeError, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import type { Informer } from '../../client/informer';
import type { Usage } from './pod-usage';

export interface MetricName {
  readonly name: string;
  readonly selector?: LabelSelector;
}
export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

/** Of custom.metrics.k8s.io and external.metrics.k8s.io, as far as the controller reads them. */
interface MetricValue extends KubeObject {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly value?: string | number;
}

const customGroup = 'custom.metrics.k8s.io';
/** The first version that is registered is used. */
const customVersions = ['v1beta2', 'v1beta1'];
const externalGroup = 'external.metrics.k8s.io';
const defaultWindowMs = 60_000;

export interface MetricsApiDeps {
  readonly client: Pick<Client, 'list'>;
  readonly catalog: Catalog;
  readonly services: Pick<Informer<APIService>, 'get'>;
}

/** All methods throw an Error with the words for the condition. */
export class MetricsApi {
  constructor(private readonly deps: MetricsApiDeps) {}

  async ofPods(namespace: string, labelSelector: string, signal: AbortSignal): Promise<readonly PodMetrics[]> {
    const params = { namespace, labelSelector };
    const reading = this.deps.client.list(podMetrics as KindRef<PodMetrics>, params, signal);
    return (await wrapped(reading, 'resource', 'pods.metrics.k8s.io')).items;
  }

  /** Pod name → the value of a custom metric. */
  async custom(
    namespace: string,
    labelSelector: string,
    metric: MetricName,
    signal: AbortSignal,
  ): Promise<Map<string, Usage>> {
    const items = await this.customValues(namespace, 'pods/*', metric, labelSelector, signal);
    if (items.length === 0) throw new Error('no metrics returned from custom metrics API');
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject?.name ?? '',
        {
          milli: milliValue(value ?? 0),
          at: Date.parse(timestamp ?? '') || 0,
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
        },
      ]),
    );
  }

  /** Thousandths of the value of one object. A Namespace is always that of the autoscaler. */
  async ofObject(namespace: string, object: ObjectReference, metric: MetricName, signal: AbortSignal): Promise<number> {
    const { kind, name } = object;
    const group = groupOf(object.apiVersion);
    const isNamespace = kind === 'Namespace' && group === '';
    const place = isNamespace ? 'metrics' : `${this.resourceOf(group, kind)}/${encodeURIComponent(name)}`;
    const items = await this.customValues(namespace, place, metric, undefined, signal);
    if (items.length !== 1) {
      const found = `the custom metrics API server returned ${items.length} results when we asked for exactly one`;
      throw new Error(`unable to fetch metrics from custom metrics API: ${found}`);
    }
    return milliValue(items[0]?.value ?? 0);
  }

  /** Thousandths of each value. */
  async external(namespace: string, metric: MetricName, signal: AbortSignal): Promise<readonly number[]> {
    const { name, selector } = metric;
    const kind = reference(externalGroup, 'v1beta1', encodeURIComponent(name));
    const reading = this.deps.client.list(kind, { namespace, labelSelector: selectorText(selector) }, signal);
    const { items } = await wrapped(reading, 'external', `${name}.${externalGroup}`);
    if (items.length === 0) throw new Error('no metrics returned from external metrics API');
    return items.map(({ value }) => milliValue(value ?? 0));
  }

  private async customValues(
    namespace: string,
    place: string,
    { name, selector }: MetricName,
    labelSelector: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly MetricValue[]> {
    const version = customVersions.find((each) => this.deps.services.get(`${each}.${customGroup}`));
    if (version === undefined) {
      const missing = `no custom metrics API (${customGroup}) registered`;
      throw new Error(`unable to fetch metrics from custom metrics API: ${missing}`);
    }
    const kind = reference(customGroup, version, `${place}/${encodeURIComponent(name)}`);
    const metricLabelSelector = selectorText(selector);
    const reading = this.deps.client.list(kind, { namespace, labelSelector, metricLabelSelector }, signal);
    return (await wrapped(reading, 'custom', `${place.split('/')[0]}.${customGroup}`)).items;
  }

  /** `deployments.apps` for Deployment of apps. */
  private resourceOf(group: string, kindName: string): string {
    const kind = this.deps.catalog.kinds().find((each) => each.group === group && each.kind === kindName);
    const qualified = group === '' ? kindName : `${kindName}.${group}`;
    if (!kind) {
      const why = `no matches for kind "${kindName}" in group "${group}"`;
      throw new Error(
        `unable to fetch metrics from custom metrics API: unable to map kind ${qualified} to resource: ${why}`,
      );
    }
    return group === '' ? kind.plural : `${kind.plural}.${group}`;
  }
}

const groupOf = (apiVersion = ''): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

/** Metrics are lists at the path of a resource that has the metric's name. */
const reference = (group: string, version: string, plural: string): KindRef<MetricValue> => ({
  group,
  version,
  kind: 'MetricValue',
  plural,
  namespaced: true,
});

async function wrapped<T>(reading: Promise<T>, api: 'resource' | 'custom' | 'external', resource: string): Promise<T> {
  try {
    return await reading;
  } catch (err) {
    // What upstream's client says about a path that is not served.
    const missing = `the server could not find the requested resource (get ${resource})`;
    const why = isNotFound(err) && isBare(err) ? missing : describeError(err);
    throw new Error(`unable to fetch metrics from ${api} metrics API: ${why}`, { cause: err });
  }
}

/** The 404 of an unknown path, which names no object. */
const isBare = (err: unknown): boolean => {
  const text = describeError(err);
  return !text.endsWith('" not found') && !text.startsWith('the server could not find the metric');
};
