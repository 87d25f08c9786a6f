// Scales the targets of HorizontalPodAutoscalers by what their pods use, every fifteen seconds.
import { isDeepStrictEqual } from 'node:util';
import type { Catalog } from '../../api/catalog';
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from '../../api/horizontal-pod-autoscaler';
import type { KindRef } from '../../api/kind';
import { type Pod, pods } from '../../api/pod';
import { milliValue, parseQuantity } from '../../api/quantity';
import { matchesSelector, parseSelector } from '../../api/selector';
import { type KubeObject, objectKey } from '../../api/types';
import { formatTime } from '../../base/clock';
import { describeError, isConflict, isNotFound } from '../../base/errors';
import { eventLoop } from '../../base/event-loop';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import { type FoundScale, ScaleClient } from '../../client/scale-client';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { isDeleting } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { type History, recent } from './limits';
import {
  type Decision,
  decideByBounds,
  decideByMetrics,
  decideWithoutSelector,
  type Metric,
  type MetricAnswer,
  noScale,
  notResized,
  planBounds,
  resized,
  withConditions,
} from './plan';
import type { PodMetrics } from './pod-usage';
import { askResource } from './resource-replicas';

const workers = 5;
const periodMs = 15_000;
const defaultTolerance = 0.1;

/** Served by a metrics server, if the cluster has one. */
const podMetrics: KindRef<PodMetrics & KubeObject> = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
};

/** What upstream's client says about a path that is not served. */
const notServed = 'the server could not find the requested resource (get pods.metrics.k8s.io)';

type Status = NonNullable<HorizontalPodAutoscaler['status']>;

export class HorizontalPodAutoscalerController implements Controller {
  private readonly autoscalers: TrackedInformer<HorizontalPodAutoscaler>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  private readonly scales: ScaleClient;
  /** By the uid of the autoscaler. */
  private readonly histories = new Map<string, History>();

  constructor(
    private readonly deps: Deps,
    catalog: Catalog,
  ) {
    this.autoscalers = deps.informers.of(horizontalPodAutoscalers);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.events = deps.recorder('horizontal-pod-autoscaler');
    this.scales = new ScaleClient(deps.client, catalog);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.autoscalers.onChange((change) => {
      if (change.type === 'deleted') this.histories.delete(change.object.metadata?.uid ?? '');
      // Its own writes of the status add no key: the next pass comes with the period.
      else if (change.type === 'added' || !isDeepStrictEqual(change.previous.spec, change.object.spec)) {
        this.queue.add(change.key);
      }
    });
    await Promise.all([this.autoscalers.synced(signal), this.pods.synced(signal)]);
    const reconcile = (key: string) => this.reconcile(key, signal);
    await runWorkers({ queue: this.queue, workers, reconcile }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const autoscaler = this.autoscalers.get(key);
    if (!autoscaler?.spec || isDeleting(autoscaler)) return;
    // First: a failure must not end the passes, nor repeat them faster.
    this.queue.addAfter(key, periodMs);
    let found: FoundScale;
    try {
      found = await this.scales.scaleOf(autoscaler.metadata?.namespace ?? '', autoscaler.spec.scaleTargetRef, signal);
    } catch (err) {
      const cause = describeError(err);
      this.events.record(autoscaler, 'Warning', 'FailedGetScale', cause);
      const conditions = withConditions(autoscaler.status?.conditions, [noScale(cause)], this.deps.clock.now());
      const { desiredReplicas = 0 } = autoscaler.status ?? {};
      return this.writeStatus(autoscaler, { ...autoscaler.status, desiredReplicas, conditions }, signal);
    }
    const decision = await this.decide(autoscaler, found, signal);
    for (const { type, reason, message } of decision.reports) this.events.record(autoscaler, type, reason, message);
    await this.enact(autoscaler, found, decision, signal);
  }

  private async decide(autoscaler: HorizontalPodAutoscaler, scale: FoundScale, signal: AbortSignal): Promise<Decision> {
    const now = this.deps.clock.now();
    const bounds = planBounds(autoscaler, scale);
    if (bounds !== undefined) return decideByBounds(autoscaler, bounds, now);
    if (scale.selector === '') return decideWithoutSelector(autoscaler, now);
    const target = await this.readTarget(autoscaler, scale, signal);
    const answers: MetricAnswer[] = [];
    for (const metric of autoscaler.spec?.metrics ?? []) {
      answers.push(ask(autoscaler, metric, scale, target, now));
      // A user may name thousands of metrics, and each one looks at every pod.
      await eventLoop.pause();
    }
    return decideByMetrics(autoscaler, scale, answers, this.historyOf(autoscaler), now);
  }

  /** The pods of the target, and what they use: read once for all metrics. */
  private async readTarget(
    autoscaler: HorizontalPodAutoscaler,
    scale: FoundScale,
    signal: AbortSignal,
  ): Promise<Target> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const selector = parseSelector(scale.selector);
    const selected = this.pods
      .by(byNamespace, namespace)
      .filter((pod) => matchesSelector(selector, pod.metadata?.labels));
    try {
      const params = { namespace, labelSelector: scale.selector };
      return { pods: selected, metrics: (await this.deps.client.list(podMetrics, params, signal)).items };
    } catch (err) {
      const why = isNotFound(err) ? notServed : describeError(err);
      return { pods: selected, metrics: `unable to fetch metrics from resource metrics API: ${why}` };
    }
  }

  private async enact(
    autoscaler: HorizontalPodAutoscaler,
    scale: FoundScale,
    decision: Decision,
    signal: AbortSignal,
  ): Promise<void> {
    const now = this.deps.clock.now();
    const { resize, recommendation, conditions, observed, unknown } = decision;
    const before = autoscaler.status;
    const status: Status = {
      // The server keeps no zero: with one, the status would always differ from the stored one.
      ...(scale.replicas ? { currentReplicas: scale.replicas } : {}),
      desiredReplicas: unknown ? (before?.desiredReplicas ?? 0) : scale.replicas,
      ...(before?.lastScaleTime ? { lastScaleTime: before.lastScaleTime } : {}),
      ...(observed.length > 0 ? { currentMetrics: [...observed] } : {}),
      conditions: [...conditions],
    };
    this.note(autoscaler, now, recommendation, 0);
    if (!resize) return this.writeStatus(autoscaler, status, signal);
    const { replicas, why } = resize;
    try {
      await this.scales.resize(scale, replicas, signal);
    } catch (err) {
      const cause = describeError(err);
      this.events.record(
        autoscaler,
        'Warning',
        'FailedRescale',
        `New size: ${replicas}; reason: ${why}; error: ${cause}`,
      );
      const failed = { ...status, conditions: withConditions(conditions, [notResized(cause)], now) };
      return this.writeStatus(autoscaler, failed, signal);
    }
    this.note(autoscaler, now, undefined, replicas - scale.replicas);
    this.events.record(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`);
    const done = {
      ...status,
      desiredReplicas: replicas,
      lastScaleTime: formatTime(now),
      conditions: withConditions(conditions, [resized(replicas)], now),
    };
    return this.writeStatus(autoscaler, done, signal);
  }

  private historyOf({ metadata }: HorizontalPodAutoscaler): History {
    return this.histories.get(metadata?.uid ?? '') ?? { recommendations: [], changes: [] };
  }

  private note(
    autoscaler: HorizontalPodAutoscaler,
    at: number,
    recommendation: number | undefined,
    change: number,
  ): void {
    // A history of an autoscaler that was deleted meanwhile would stay for ever.
    if (this.autoscalers.get(objectKey(autoscaler))?.metadata?.uid !== autoscaler.metadata?.uid) return;
    const { recommendations, changes } = this.historyOf(autoscaler);
    const next = {
      recommendations:
        recommendation === undefined ? recommendations : [...recommendations, { at, replicas: recommendation }],
      changes: change === 0 ? changes : [...changes, { at, change }],
    };
    this.histories.set(autoscaler.metadata?.uid ?? '', recent(next, at));
  }

  private async writeStatus(autoscaler: HorizontalPodAutoscaler, status: Status, signal: AbortSignal): Promise<void> {
    if (isDeepStrictEqual(autoscaler.status, JSON.parse(JSON.stringify(status)))) return;
    const options = { subresource: 'status', signal } as const;
    await this.deps.client
      .update(horizontalPodAutoscalers, { ...autoscaler, status }, options)
      .catch((err: unknown) => {
        // The next pass writes it on a newer object.
        if (!isConflict(err)) throw err;
      });
  }
}

const toleranceOf = (tolerance: string | undefined): number =>
  tolerance === undefined ? defaultTolerance : Number(parseQuantity(tolerance).nano) / 1e9;

interface Target {
  readonly pods: readonly Pod[];
  /** The words of the error when they cannot be read. */
  readonly metrics: readonly PodMetrics[] | string;
}

function ask(
  { spec }: HorizontalPodAutoscaler,
  metric: Metric,
  scale: FoundScale,
  { pods, metrics }: Target,
  now: number,
): MetricAnswer {
  const { resource, containerResource, type } = metric;
  const source = type === 'ContainerResource' ? containerResource : resource;
  if (!source || (type !== 'Resource' && type !== 'ContainerResource')) {
    const cause = `this controller reads no metrics of type ${type}`;
    return { metric, reason: `FailedGet${type}Metric`, cause, what: `failed to get ${type} metric value` };
  }
  const { name, target } = source;
  const container = type === 'ContainerResource' ? { container: containerResource?.container ?? '' } : {};
  const unit = target.averageValue === undefined ? 'utilization' : 'usage';
  const noun = type === 'ContainerResource' ? 'container resource' : 'resource';
  const failed = (why: string): MetricAnswer => ({
    metric,
    reason: `FailedGet${type}Metric`,
    cause: `failed to get ${name} ${unit}: ${why}`,
    what: `failed to get ${name} ${noun} metric value`,
  });
  if (typeof metrics === 'string') return failed(`unable to get metrics for resource ${name}: ${metrics}`);
  const answer = askResource({
    wanted: { resource: name, ...container },
    target:
      target.averageValue === undefined
        ? { utilization: target.averageUtilization ?? 0 }
        : { milli: milliValue(target.averageValue) },
    pods,
    metrics,
    current: scale.replicas,
    tolerances: {
      up: toleranceOf(spec?.behavior?.scaleUp?.tolerance),
      down: toleranceOf(spec?.behavior?.scaleDown?.tolerance),
    },
    now,
  });
  if (typeof answer === 'string') return failed(answer);
  const of = unit === 'utilization' ? `${name} ${noun} utilization (percentage of request)` : `${name} ${noun}`;
  return { metric, name: of, answer };
}
