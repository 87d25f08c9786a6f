// Keeps the status of PodDisruptionBudgets: evictions are allowed or refused by it.
import type { Catalog } from '../../api/catalog';
import { withCondition } from '../../api/conditions';
import { type Deployment, deployments } from '../../api/deployment';
import { type Pod, pods } from '../../api/pod';
import { type PodDisruptionBudget, podDisruptionBudgets } from '../../api/pod-disruption-budget';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import { type OwnerReference, objectKey } from '../../api/types';
import { describeError, isNotFound, NotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import { ScaleClient } from '../../client/scale-client';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { controllerOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { goSelector, planBudget, planFailure, staleDisruptionIn } from './plan';

const workers = 2;

export class DisruptionController implements Controller {
  private readonly budgets: TrackedInformer<PodDisruptionBudget>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly sets: TrackedInformer<ReplicaSet>;
  private readonly deployments: TrackedInformer<Deployment>;
  private readonly scale: ScaleClient;
  private readonly queue: WorkQueue;
  /** Keys of pods whose condition DisruptionTarget may be stale. */
  private readonly podQueue: WorkQueue;
  private readonly events: EventRecorder;

  constructor(
    private readonly deps: Deps,
    catalog: Catalog,
  ) {
    this.budgets = deps.informers.of(podDisruptionBudgets);
    this.pods = deps.informers.of(pods);
    this.sets = deps.informers.of(replicaSets);
    this.deployments = deps.informers.of(deployments);
    this.scale = new ScaleClient(deps.client, catalog);
    this.queue = controllerQueue(deps);
    this.podQueue = controllerQueue({ ...deps, queueName: 'stale_pod_disruption' });
    this.events = deps.recorder('controllermanager');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.budgets.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => {
      this.enqueueMatching(change.object);
      if (change.type === 'updated') this.enqueueMatching(change.previous);
      if (staleDisruptionIn(change.object, this.deps.clock.now()) !== undefined) this.podQueue.add(change.key);
    });
    for (const owners of [this.sets, this.deployments]) {
      owners.onChange(({ object }) => {
        for (const budget of this.budgets.by(byNamespace, object.metadata?.namespace ?? '')) {
          this.queue.add(objectKey(budget));
        }
      });
    }
    await Promise.all([this.budgets, this.pods, this.sets, this.deployments].map((source) => source.synced(signal)));
    await Promise.all([
      runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal),
      runWorkers({ queue: this.podQueue, reconcile: (key) => this.reconcilePod(key, signal) }, signal),
    ]);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const budget = this.budgets.get(key);
    const selector = budget && selectorFromLabelSelector(budget.spec?.selector);
    if (!budget) return;
    const namespace = budget.metadata?.namespace ?? '';
    const matching = selector
      ? this.pods.by(byNamespace, namespace).filter(({ metadata }) => matchesSelector(selector, metadata?.labels))
      : [];
    if (matching.length === 0) this.events.record(budget, 'Normal', 'NoPods', 'No matching pods found');
    let desired: number;
    try {
      desired = await this.desiredBy(budget, matching, signal);
    } catch (err) {
      await this.refuse(budget, describeError(err), signal);
      if (!isNotFound(err)) throw err;
      return;
    }
    const { status, againInMs } = planBudget({ budget, pods: matching, desired, now: this.deps.clock.now() });
    // The resourceVersion makes the write fail after an eviction in between, so that eviction is not lost.
    if (status)
      await this.deps.client.update(podDisruptionBudgets, { ...budget, status }, { subresource: 'status', signal });
    if (againInMs !== undefined) this.queue.addAfter(key, againInMs);
  }

  /** As upstream: while the pods cannot be counted, none of them may be evicted. A change of one of them leads to the next try. */
  private async refuse(budget: PodDisruptionBudget, why: string, signal: AbortSignal): Promise<void> {
    const message = `Failed to calculate the number of expected pods: ${why}`;
    this.events.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
    const status = planFailure(budget, why, this.deps.clock.now());
    if (!status) return;
    await this.deps.client.update(podDisruptionBudgets, { ...budget, status }, { subresource: 'status', signal });
  }

  /** Takes back the condition of a pod that no client has deleted after all. */
  private async reconcilePod(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.pods.get(key);
    const now = this.deps.clock.now();
    const inMs = pod && staleDisruptionIn(pod, now);
    if (inMs === undefined) return;
    if (inMs > 0) return this.podQueue.addAfter(key, inMs);
    const { uid, resourceVersion, generation } = pod!.metadata ?? {};
    const next = { type: 'DisruptionTarget', status: 'False', observedGeneration: generation };
    const conditions = withCondition(pod!.status?.conditions, next, now);
    const patch = { metadata: { uid, resourceVersion }, status: { conditions } };
    await this.deps.client.patch(pods, key, 'merge', patch, { subresource: 'status', signal });
  }

  private enqueueMatching({ metadata }: Pod): void {
    for (const budget of this.budgets.by(byNamespace, metadata?.namespace ?? '')) {
      const selector = selectorFromLabelSelector(budget.spec?.selector);
      if (selector && matchesSelector(selector, metadata?.labels)) this.queue.add(objectKey(budget));
    }
  }

  /** The sum of the desired replicas of these pods' controllers; only needed when the budget is a part of that sum. */
  private async desiredBy(budget: PodDisruptionBudget, matching: readonly Pod[], signal: AbortSignal): Promise<number> {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    if (maxUnavailable === undefined && typeof minAvailable !== 'string') return matching.length;
    const owners = new Map<string, { owner: OwnerReference; pod: Pod }>();
    for (const pod of matching) {
      const owner = controllerOf(pod);
      if (owner && !owners.has(owner.uid)) owners.set(owner.uid, { owner, pod });
    }
    const namespace = budget.metadata?.namespace ?? '';
    const scaled = new Map<string, number>();
    for (const { owner, pod } of owners.values()) {
      const found = await this.scaleOf(namespace, owner, signal);
      if (!found) throw new NotFound(`found no controllers for pod "${pod.metadata?.name}"`);
      scaled.set(found.uid, found.replicas);
    }
    if (matching.some((pod) => !controllerOf(pod))) {
      this.events.record(
        budget,
        'Warning',
        'UnmanagedPods',
        `Pods selected by this PodDisruptionBudget (selector: ${goSelector(budget.spec?.selector)}) were found to be ` +
          'unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined ' +
          'behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.',
      );
    }
    return [...scaled.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  /** For a ReplicaSet of a Deployment, the Deployment counts, once for all its sets. Undefined when the owner does not exist. */
  private async scaleOf(namespace: string, owner: OwnerReference, signal: AbortSignal) {
    const { kind, apiVersion, name, uid } = owner;
    if (kind !== replicaSets.kind || apiVersion !== replicaSets.apiVersion) {
      const replicas = await this.scale.replicasOf(namespace, owner, signal);
      return replicas === undefined ? undefined : { uid, replicas };
    }
    const named = this.sets.get(`${namespace}/${name}`);
    // A user may write any uid in a reference: one name with many uids must not count many times.
    const set = named?.metadata?.uid === uid ? named : undefined;
    if (!set) return undefined;
    const above = controllerOf(set);
    const deployment =
      above?.kind === deployments.kind ? this.deployments.get(`${namespace}/${above.name}`) : undefined;
    return { uid: deployment?.metadata?.uid ?? uid, replicas: (deployment ?? set).spec?.replicas ?? 0 };
  }
}
