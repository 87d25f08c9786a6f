// Scales the targets of HorizontalPodAutoscalers by what their pods use, every fifteen seconds.
import { isDeepStrictEqual } from 'node:util';
import { type APIService, apiServices } from '../../api/api-service';
import type { Catalog } from '../../api/catalog';
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from '../../api/horizontal-pod-autoscaler';
import { type Pod, pods } from '../../api/pod';
import type { PodMetrics } from '../../api/resource-metrics';
import { matchesSelector, parseSelector, type Selector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { formatTime } from '../../base/clock';
import { describeError, isConflict } from '../../base/errors';
import { eventLoop } from '../../base/event-loop';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import { type FoundScale, ScaleClient } from '../../client/scale-client';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { isDeleting } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { type AskDeps, ask } from './ask';
import { type History, recent } from './limits';
import { MetricsApi } from './metrics-api';
import {
  type Decision,
  decideByBadSelector,
  decideByBounds,
  decideByMetrics,
  decideWithoutSelector,
  type MetricAnswer,
  noScale,
  notResized,
  planBounds,
  resized,
  withConditions,
} from './plan';
import { PodOwners } from './pod-owners';
import { tolerancesOf } from './tolerances';

const workers = 5;
const periodMs = 15_000;
type Status = NonNullable<HorizontalPodAutoscaler['status']>;

export class HorizontalPodAutoscalerController implements Controller {
  private readonly autoscalers: TrackedInformer<HorizontalPodAutoscaler>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  private readonly scales: ScaleClient;
  /** By the uid of the autoscaler. */
  private readonly histories = new Map<string, History>();
  private readonly owners = new PodOwners();
  private readonly services: TrackedInformer<APIService>;
  private readonly api: MetricsApi;

  constructor(
    private readonly deps: Deps,
    catalog: Catalog,
  ) {
    this.autoscalers = deps.informers.of(horizontalPodAutoscalers);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.events = deps.recorder('horizontal-pod-autoscaler');
    this.scales = new ScaleClient(deps.client, catalog);
    this.services = deps.informers.of(apiServices);
    this.api = new MetricsApi({ client: deps.client, catalog, services: this.services });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.autoscalers.onChange((change) => {
      if (change.type === 'deleted') {
        this.histories.delete(change.object.metadata?.uid ?? '');
        this.owners.delete(change.object.metadata?.namespace ?? '', change.key);
      }
      // Its own writes of the status add no key: the next pass comes with the period.
      else if (change.type === 'added' || !isDeepStrictEqual(change.previous.spec, change.object.spec)) {
        this.queue.add(change.key);
      }
    });
    await Promise.all([this.autoscalers.synced(signal), this.pods.synced(signal), this.services.synced(signal)]);
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
    this.begin(autoscaler, found.replicas);
    const decision = await this.decide(autoscaler, found, signal);
    for (const { type, reason, message } of decision.reports) this.events.record(autoscaler, type, reason, message);
    await this.enact(autoscaler, found, decision, signal);
  }

  private async decide(autoscaler: HorizontalPodAutoscaler, scale: FoundScale, signal: AbortSignal): Promise<Decision> {
    const now = this.deps.clock.now();
    const bounds = planBounds(autoscaler, scale);
    if (bounds !== undefined) return decideByBounds(autoscaler, bounds, now);
    if (scale.selector === '') return decideWithoutSelector(autoscaler, now);
    let selector: Selector;
    try {
      selector = parseSelector(scale.selector);
    } catch (err) {
      const why = `couldn't convert selector into a corresponding internal selector object: ${describeError(err)}`;
      return decideByBadSelector(autoscaler, 'InvalidSelector', why, now);
    }
    const key = objectKey(autoscaler);
    const namespace = autoscaler.metadata?.namespace ?? '';
    // It may have been deleted meanwhile; then its selector would stay.
    if (this.autoscalers.get(key)) this.owners.set(namespace, key, selector);
    const selected = this.pods
      .by(byNamespace, namespace)
      .filter((pod) => matchesSelector(selector, pod.metadata?.labels));
    const sharing = await this.owners.of(namespace, selected);
    if (sharing.length > 1) {
      const why = `pods by selector ${scale.selector} are controlled by multiple HPAs: [${sharing.join(' ')}]`;
      return decideByBadSelector(autoscaler, 'AmbiguousSelector', why, now);
    }
    let metrics: Promise<readonly PodMetrics[]> | undefined;
    const asking: AskDeps = {
      autoscaler,
      scale,
      pods: selected,
      api: this.api,
      podMetrics: () => {
        metrics ??= this.api.ofPods(namespace, scale.selector, signal);
        return metrics;
      },
      tolerances: tolerancesOf(autoscaler),
      now,
      signal,
    };
    const answers: MetricAnswer[] = [];
    for (const metric of autoscaler.spec?.metrics ?? []) {
      answers.push(await ask(asking, metric));
      // A user may name thousands of metrics, and each one looks at every pod.
      await eventLoop.pause();
    }
    return decideByMetrics(autoscaler, scale, answers, this.historyOf(autoscaler), now);
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

  /**
   * As upstream, the first size that is seen counts as a recommendation: a new autoscaler, or a restarted controller, lets a target shrink
   * only after the stabilization window of its scaleDown.
   */
  private begin(autoscaler: HorizontalPodAutoscaler, replicas: number): void {
    if (this.histories.has(autoscaler.metadata?.uid ?? '')) return;
    this.note(autoscaler, this.deps.clock.now(), replicas, 0);
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
