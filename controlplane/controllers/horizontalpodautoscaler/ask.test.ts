// Each type of metric: the request, the answer, and the words of the errors, which are those of kube-controller-manager 1.36.3.
import t from 'tap';
import type { APIService } from '../../api/api-service';
import { KindCatalog } from '../../api/catalog';
import type { KindRef } from '../../api/kind';
import type { Pod } from '../../api/pod';
import { registry } from '../../api/registry';
import type { KubeList, KubeObject } from '../../api/types';
import { NotFound } from '../../base/errors';
import type { ListParams } from '../../client/client';
import { collectionPath, withQuery } from '../../client/paths';
import type { FoundScale } from '../../client/scale-client';
import { ask } from './ask';
import { MetricsApi } from './metrics-api';
import type { Metric, MetricAnswer } from './plan';

const now = Date.parse('2026-01-01T01:00:00Z');
const pods: Pod[] = ['a', 'b'].map((name) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
}));
const catalog = new KindCatalog(registry);

interface Served {
  readonly items?: readonly object[];
  readonly error?: Error;
  /** The APIServices that exist. */
  readonly registered?: readonly string[];
}

async function asked(metric: Metric, { items = [], error, registered = ['v1beta2.custom.metrics.k8s.io'] }: Served) {
  const paths: string[] = [];
  const client = {
    list: async <T extends KubeObject>(kind: KindRef<T>, { namespace, ...query }: ListParams = {}) => {
      paths.push(decodeURIComponent(withQuery(collectionPath(kind, namespace), { ...query })));
      if (error) throw error;
      return { items } as unknown as KubeList<T>;
    },
  };
  const services = { get: (name: string) => (registered.includes(name) ? ({} as APIService) : undefined) };
  const api = new MetricsApi({ client, catalog, services });
  const signal = new AbortController().signal;
  const scale = { replicas: 2, selector: 'app=web', scale: { status: { replicas: 2 } } } as FoundScale;
  const answer = await ask(
    {
      autoscaler: {
        metadata: { name: 'h', namespace: 'shop' },
        spec: { maxReplicas: 5, scaleTargetRef: { kind: 'Deployment', name: 'd' } },
      },
      scale,
      pods,
      api,
      podMetrics: () => api.ofPods('shop', scale.selector, signal),
      tolerances: { up: 0.1, down: 0.1 },
      now,
      signal,
    },
    metric,
  );
  return { paths, answer };
}

const metric = { name: 'requests' };
const chosen = { name: 'requests', selector: { matchLabels: { verb: 'GET' } } };
const share = (averageValue: string) => ({ type: 'AverageValue', averageValue });
const whole = (value: string) => ({ type: 'Value', value });
const value = (amount: string, name = '') => ({
  describedObject: { name },
  timestamp: '2026-01-01T00:59:50Z',
  value: amount,
});
const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' };
const missing = new NotFound('the server could not find the requested resource');

const cases: readonly {
  readonly name: string;
  readonly metric: Metric;
  readonly served: Served;
  readonly path?: string;
  readonly found: Partial<MetricAnswer>;
}[] = [
  {
    name: 'pods',
    metric: { type: 'Pods', pods: { metric: chosen, target: share('1') } },
    served: { items: [value('2', 'a'), value('2500m', 'b')] },
    path: '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/requests?labelSelector=app=web&metricLabelSelector=verb=GET',
    found: { name: 'pods metric requests', answer: { replicas: 5, milli: 2250 } },
  },
  {
    name: 'pods, from an older API',
    metric: { type: 'Pods', pods: { metric, target: share('1') } },
    served: { items: [value('1', 'a'), value('1', 'b')], registered: ['v1beta1.custom.metrics.k8s.io'] },
    path: '/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/pods/*/requests?labelSelector=app=web',
    found: { answer: { replicas: 2, milli: 1000 } },
  },
  {
    name: 'no custom metrics API',
    metric: { type: 'Pods', pods: { metric, target: share('1') } },
    served: { registered: [] },
    found: {
      reason: 'FailedGetPodsMetric',
      what: 'failed to get pods metric value',
      cause:
        'unable to get metric requests: unable to fetch metrics from custom metrics API: no custom metrics API ' +
        '(custom.metrics.k8s.io) registered',
    },
  },
  {
    name: 'no value for a pod',
    metric: { type: 'Pods', pods: { metric, target: share('1') } },
    served: {},
    found: { cause: 'unable to get metric requests: no metrics returned from custom metrics API' },
  },
  {
    name: 'an object',
    metric: { type: 'Object', object: { metric, describedObject: ingress, target: whole('1k') } },
    served: { items: [value('3k', 'main')] },
    path: '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/ingresses.networking.k8s.io/main/requests',
    found: { name: 'Ingress metric requests', answer: { replicas: 6, milli: 3_000_000 } },
  },
  {
    name: 'an object, shared by the pods',
    metric: { type: 'Object', object: { metric: chosen, describedObject: ingress, target: share('1k') } },
    served: { items: [value('3k', 'main')] },
    found: {
      name: 'external metric requests(&LabelSelector{MatchLabels:map[string]string{verb: GET,},MatchExpressions:[]LabelSelectorRequirement{},})',
      answer: { replicas: 3, milli: 1_500_000 },
    },
  },
  {
    name: 'the namespace',
    metric: {
      type: 'Object',
      object: { metric, describedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'x' }, target: whole('1') },
    },
    served: { items: [value('1')] },
    path: '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/metrics/requests',
    found: { answer: { replicas: 2, milli: 1000 } },
  },
  {
    name: 'an object of an unknown kind',
    metric: {
      type: 'Object',
      object: { metric, describedObject: { apiVersion: 'a.b/v1', kind: 'Widget', name: 'x' }, target: whole('1') },
    },
    served: {},
    found: {
      reason: 'FailedGetObjectMetric',
      what: 'failed to get object metric value',
      cause:
        'unable to get metric requests: Widget on shop x/unable to fetch metrics from custom metrics API: unable to map kind ' +
        'Widget.a.b to resource: no matches for kind "Widget" in group "a.b"',
    },
  },
  {
    name: 'outside the cluster',
    metric: { type: 'External', external: { metric: chosen, target: share('10') } },
    served: { items: [value('20'), value('15')] },
    path: '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/requests?labelSelector=verb=GET',
    found: { answer: { replicas: 4, milli: 17_500 } },
  },
  {
    name: 'outside the cluster, not shared',
    metric: { type: 'External', external: { metric, target: whole('10') } },
    served: { items: [value('20')] },
    found: { name: 'external metric requests(nil)', answer: { replicas: 4, milli: 20_000 } },
  },
  {
    name: 'no external metrics API',
    metric: { type: 'External', external: { metric, target: whole('10') } },
    served: { error: missing },
    found: {
      reason: 'FailedGetExternalMetric',
      what: 'failed to get requests external metric value: failed to get external metric requests',
      cause:
        'unable to get external metric shop/requests/nil: unable to fetch metrics from ' +
        'external metrics API: the server could not find the requested resource (get requests.external.metrics.k8s.io)',
    },
  },
  {
    name: 'no external metrics API, for a share',
    metric: { type: 'External', external: { metric: chosen, target: share('10') } },
    served: {},
    found: {
      what: 'failed to get requests external metric value: failed to get requests external metric',
      cause:
        'unable to get external metric shop/requests/&LabelSelector{MatchLabels:map' +
        '[string]string{verb: GET,},MatchExpressions:[]LabelSelectorRequirement{},}: no metrics returned from external metrics API',
    },
  },
  {
    name: 'no resource metrics API',
    metric: { type: 'Resource', resource: { name: 'cpu', target: share('10') } },
    served: { error: missing },
    path: '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app=web',
    found: {
      reason: 'FailedGetResourceMetric',
      what: 'failed to get cpu resource metric value',
      cause:
        'failed to get cpu usage: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: ' +
        'the server could not find the requested resource (get pods.metrics.k8s.io)',
    },
  },
  {
    name: 'a container',
    metric: {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 50 } },
    },
    served: { items: [{ metadata: { name: 'a' }, containers: [{ name: 'c', usage: { memory: '1' } }] }] },
    found: {
      reason: 'FailedGetContainerResourceMetric',
      what: 'failed to get c container metric value',
      cause: 'failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)',
    },
  },
  {
    name: 'another type',
    metric: { type: 'Other' } as Metric,
    served: {},
    found: { reason: 'InvalidMetricSourceType', what: '', cause: 'unknown metric source type "Other"' },
  },
];
for (const { name, metric: one, served, path, found } of cases) {
  t.test(name, async (t) => {
    const { paths, answer } = await asked(one, served);
    t.has(answer, found);
    if (path !== undefined) t.same(paths, [path]);
  });
}
