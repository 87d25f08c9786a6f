// Keeps the number of pods of a ReplicaSet at spec.replicas.
import type { Pod } from '../../api/pod';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { describeError } from '../../base/errors';
import type { Controller, Deps } from '../shared/deps';
import { byController, controlledBy, controllerValue } from '../shared/informers';
import { controllerOf, controllerReference } from '../shared/owner';
import { isActive } from '../shared/pod';
import { PodOwner } from '../shared/pod-owner';
import { runWorkers } from '../shared/worker';
import { planReplicaSet, planStatus, renderPod, type Step } from './plan';

/** Sets reconciled at the same time. */
const workers = 5;
type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string; readonly error: unknown };

export class ReplicaSetController implements Controller {
  private readonly podOwner: PodOwner<ReplicaSet>;

  constructor(private readonly deps: Deps) {
    this.podOwner = new PodOwner(deps, { kind: replicaSets, component: 'replicaset-controller' });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { workloads, pods, queue } = this.podOwner;
    this.podOwner.follow();
    await Promise.all([workloads.synced(signal), pods.synced(signal)]);
    const reconcile = (key: string) => this.reconcile(key, signal);
    await runWorkers({ queue, workers, reconcile }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.podOwner.workloads.get(key);
    if (!set) {
      this.podOwner.guard.forget(key);
      return;
    }
    // The event that brings the copy up to date adds the key again.
    if (!this.podOwner.guard.isCurrent(key)) return;
    const now = this.deps.clock.now();
    const plan = planReplicaSet({ set, pods: this.podOwner.candidates(set), siblings: this.siblings(set), now });
    const failure = await this.apply(key, set, plan.steps, signal);
    const { status, againInMs } = planStatus(
      set,
      plan,
      failure && { reason: failure.reason, message: failure.message },
      now,
    );
    if (status) await this.deps.client.update(replicaSets, { ...set, status }, { subresource: 'status', signal });
    if (againInMs !== undefined) this.podOwner.queue.addAfter(key, againInMs);
    if (failure) throw failure.error;
  }

  private siblings(set: ReplicaSet): readonly Pod[] {
    const owner = controllerOf(set)?.uid;
    if (owner === undefined) return [];
    return this.podOwner.workloads
      .by(byController, controllerValue(set.metadata?.namespace, owner))
      .filter(({ metadata }) => metadata?.uid !== set.metadata?.uid)
      .flatMap((sibling) => this.podOwner.pods.by(byController, controlledBy(sibling)))
      .filter(isActive);
  }

  /** Adopts and releases first, then creates, or deletes all at once. Returns a failure to create or delete; does not throw it. */
  private async apply(
    key: string,
    set: ReplicaSet,
    steps: readonly Step[],
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    let failure: Failure | undefined;
    const deletions: Promise<void>[] = [];
    for (const step of steps) {
      switch (step.action) {
        case 'adopt':
          await this.podOwner.adopt(key, set, step.pod, signal);
          break;
        case 'release':
          await this.podOwner.release(key, set, step.pod, signal);
          break;
        case 'create':
          failure = await this.create(key, set, step.count, signal);
          break;
        case 'delete':
          deletions.push(this.podOwner.delete(key, set, step.pod, signal));
          break;
      }
    }
    const failed = (await Promise.allSettled(deletions)).find((result) => result.status === 'rejected');
    if (!failed) return failure;
    return { reason: 'FailedDelete', message: describeError(failed.reason), error: failed.reason };
  }

  private async create(key: string, set: ReplicaSet, count: number, signal: AbortSignal): Promise<Failure | undefined> {
    const pod = renderPod(set, controllerReference(replicaSets, set));
    const error = await this.podOwner.create(key, set, count, () => pod, signal);
    if (error === undefined) return undefined;
    return { reason: 'FailedCreate', message: describeError(error), error };
  }
}
