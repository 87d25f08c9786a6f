// GET and LIST of metrics.k8s.io: the nodes and pods of the cache that the request selects, and what their kubelets say of them.
import { isConditionTrue } from '../../api/conditions';
import { type Node, nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { formatQuantity } from '../../api/quantity';
import {
  type NodeMetrics,
  nodeMetrics,
  type PodMetrics,
  podMetrics,
  type ResourceUsage,
} from '../../api/resource-metrics';
import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import { eventLoop } from '../../base/event-loop';
import type { Cache, CachedObject } from '../cache/cache';
import type { Reply } from '../request';
import { computed, selected } from '../rest/computed';
import type { RestDeps, RestRequest } from '../rest/context';
import { renderList, renderObject } from '../rest/read';
import type { SubresourceHandler } from '../servers/kind-server';
import { notFound } from '../status';
import type { KubeletUsages } from './kubelet-usages';
import type { NodeUsage, Usage } from './usage';

interface MetricsDeps {
  readonly rest: RestDeps;
  readonly usages: KubeletUsages;
}

/** By plural.group, for the kinds that are computed. */
export const resourceMetricsHandlers = (deps: MetricsDeps): readonly (readonly [string, SubresourceHandler])[] => [
  [`nodes.${nodeMetrics.group}`, (rest) => answerNodes(deps, rest)],
  [`pods.${podMetrics.group}`, (rest) => answerPods(deps, rest)],
];

/** Kubelets measure the CPU since the question before this one, for ten seconds at least. The API asks for one number. */
const window = '10s';

/** Objects between two pauses for other requests. */
const batch = 500;

async function answerNodes(deps: MetricsDeps, rest: RestRequest): Promise<Reply> {
  const { cache } = deps.rest;
  const { name } = rest.route;
  const chosen =
    name === '' ? await selected(cache, nodes, rest) : present([cache.kind(nodes).get(name)?.object as Node]);
  const usages = await deps.usages.of(chosen.filter(isReady).map(({ metadata }) => metadata?.name ?? ''));
  const toMetrics = (node: Node): NodeMetrics | undefined => {
    const usage = usages.get(node.metadata?.name ?? '')?.node;
    return usage && { ...head(nodeMetrics, node, deps), timestamp: usage.time, window, usage: amounts(usage) };
  };
  return reply(deps, rest, chosen, toMetrics, () => notFound({ ...nodeMetrics, plural: 'nodemetrics' }, name));
}

async function answerPods(deps: MetricsDeps, rest: RestRequest): Promise<Reply> {
  const { cache } = deps.rest;
  const { namespace, name } = rest.route;
  const key = `${namespace}/${name}`;
  const chosen = name === '' ? await selected(cache, pods, rest) : present([cache.kind(pods).get(key)?.object as Pod]);
  const usages = await deps.usages.of(nodesOf(cache, chosen));
  const toMetrics = (pod: Pod) => metricsOf(deps, pod, usages.get(pod.spec?.nodeName ?? ''));
  return reply(deps, rest, chosen, toMetrics, () => notFound({ ...podMetrics, plural: 'podmetrics' }, key));
}

/** The nodes to ask: a node that is not ready would only let the reader wait. */
function nodesOf(cache: Cache, chosen: readonly Pod[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { spec, status } of chosen) if (spec?.nodeName && !isTerminal({ status })) names.add(spec.nodeName);
  for (const name of names) {
    const node = cache.kind(nodes).get(name)?.object as Node | undefined;
    if (!node || !isReady(node)) names.delete(name);
  }
  return names;
}

const isReady = (node: Node): boolean => isConditionTrue(node, 'Ready');

/** The timestamp is the oldest of the containers'. */
function metricsOf(deps: MetricsDeps, pod: Pod, usage: NodeUsage | undefined): PodMetrics | undefined {
  const containers = usage?.pods.get(pod.metadata?.uid ?? '') ?? [];
  if (containers.length === 0) return undefined;
  const timestamp = containers.map(({ time }) => time).reduce((a, b) => (Date.parse(a) <= Date.parse(b) ? a : b));
  return {
    ...head(podMetrics, pod, deps),
    timestamp,
    window,
    containers: containers.map((each) => ({ name: each.name, usage: amounts(each) })),
  };
}

const amounts = ({ cpuNanoCores, memoryBytes }: Usage): ResourceUsage => ({
  cpu: formatQuantity({ nano: BigInt(cpuNanoCores), format: 'DecimalSI' }),
  memory: formatQuantity({ nano: BigInt(memoryBytes) * 1_000_000_000n, format: 'BinarySI' }),
});

/** As metrics-server: the labels of the object, and the time of the answer as its creation. */
const head = (
  { kind, apiVersion }: { readonly kind: string; readonly apiVersion: string },
  { metadata }: KubeObject,
  { rest: { clock } }: MetricsDeps,
) => ({
  kind,
  apiVersion,
  metadata: {
    name: metadata?.name ?? '',
    ...(metadata?.namespace ? { namespace: metadata.namespace } : {}),
    creationTimestamp: formatTime(clock.now()),
    ...(metadata?.labels ? { labels: metadata.labels } : {}),
  },
});

const present = <T>(objects: readonly (T | undefined)[]): readonly T[] => objects.filter((each) => each !== undefined);

async function reply<T extends KubeObject, M extends KubeObject>(
  { rest: deps }: MetricsDeps,
  rest: RestRequest,
  chosen: readonly T[],
  toMetrics: (object: T) => M | undefined,
  missing: () => Error,
): Promise<Reply> {
  const items: CachedObject[] = [];
  for (const [i, object] of chosen.entries()) {
    if (i % batch === batch - 1) await eventLoop.pause();
    const metrics = toMetrics(object);
    if (metrics) items.push(computed(metrics));
  }
  if (rest.route.name === '') return renderList(deps, rest, items, {});
  if (!items[0]) throw missing();
  return renderObject(deps, rest, items[0], 200);
}
