// Keeps the number of pods of a ReplicaSet or ReplicationController at spec.replicas.
import type { Pod } from '../../api/pod';
import type { KubeObject } from '../../api/types';
import { describeError } from '../../base/errors';
import type { Controller, Deps } from '../shared/deps';
import { byController, controlledBy, controllerValue } from '../shared/informers';
import { controllerOf, controllerReference } from '../shared/owner';
import { isActive } from '../shared/pod';
import { PodOwner } from '../shared/pod-owner';
import { runWorkers } from '../shared/worker';
import { planReplicaSet, planStatus, renderPod, type Step } from './plan';
import type { ReplicaWorkload } from './workloads';

/** Sets reconciled at the same time. */
const workers = 5;
type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string; readonly error: unknown };

export class ReplicaSetController<O extends KubeObject> implements Controller {
  private readonly podOwner: PodOwner<O>;

  constructor(
    private readonly deps: Deps,
    private readonly workload: ReplicaWorkload<O>,
  ) {
    this.podOwner = new PodOwner(deps, workload);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { workloads, pods, queue } = this.podOwner;
    this.podOwner.follow();
    await Promise.all([workloads.synced(signal), pods.synced(signal)]);
    const reconcile = (key: string) => this.reconcile(key, signal);
    await runWorkers({ queue, workers, reconcile }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const owner = this.podOwner.workloads.get(key);
    if (!owner) {
      this.podOwner.guard.forget(key);
      return;
    }
    // The event that brings the copy up to date adds the key again.
    if (!this.podOwner.guard.isCurrent(key)) return;
    const set = this.workload.toSet(owner);
    const now = this.deps.clock.now();
    const plan = planReplicaSet({ set, pods: this.podOwner.candidates(owner), siblings: this.siblings(owner), now });
    const failure = await this.apply(key, owner, plan.steps, signal);
    const { status, againInMs } = planStatus(
      set,
      { ...plan, terminating: this.workload.countsTerminating ? plan.terminating : undefined },
      failure && { reason: failure.reason, message: failure.message },
      now,
    );
    if (status) {
      const { kind, withStatus } = this.workload;
      await this.deps.client.update(kind, withStatus(owner, status), { subresource: 'status', signal });
    }
    if (againInMs !== undefined) this.podOwner.queue.addAfter(key, againInMs);
    if (failure) throw failure.error;
  }

  private siblings(one: O): readonly Pod[] {
    const owner = controllerOf(one)?.uid;
    if (owner === undefined) return [];
    return this.podOwner.workloads
      .by(byController, controllerValue(one.metadata?.namespace, owner))
      .filter(({ metadata }) => metadata?.uid !== one.metadata?.uid)
      .flatMap((sibling) => this.podOwner.pods.by(byController, controlledBy(sibling)))
      .filter(isActive);
  }

  /** Adopts and releases first, then creates, or deletes all at once. Returns a failure to create or delete; does not throw it. */
  private async apply(
    key: string,
    owner: O,
    steps: readonly Step[],
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    let failure: Failure | undefined;
    const deletions: Promise<void>[] = [];
    for (const step of steps) {
      switch (step.action) {
        case 'adopt':
          await this.podOwner.adopt(key, owner, step.pod, signal);
          break;
        case 'release':
          await this.podOwner.release(key, owner, step.pod, signal);
          break;
        case 'create':
          failure = await this.create(key, owner, step.count, signal);
          break;
        case 'delete':
          deletions.push(this.podOwner.delete(key, owner, step.pod, signal));
          break;
      }
    }
    const failed = (await Promise.allSettled(deletions)).find((result) => result.status === 'rejected');
    if (!failed) return failure;
    return { reason: 'FailedDelete', message: describeError(failed.reason), error: failed.reason };
  }

  private async create(key: string, owner: O, count: number, signal: AbortSignal): Promise<Failure | undefined> {
    const pod = renderPod(this.workload.toSet(owner), controllerReference(this.workload.kind, owner));
    const error = await this.podOwner.create(key, owner, count, () => pod, signal);
    if (error === undefined) return undefined;
    return { reason: 'FailedCreate', message: describeError(error), error };
  }
}
