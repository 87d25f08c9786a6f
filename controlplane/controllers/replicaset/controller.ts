// Keeps as many pods of a ReplicaSet as its spec says.
import { type Pod, pods } from '../../api/pod';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { objectKey } from '../../api/types';
import { describeError, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { adopt, release } from '../shared/adopt';
import type { Controller, Deps } from '../shared/deps';
import { byController, byNamespace, controlledBy, controllerValue, orphansOf } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { controllerOf, controllerReference, metaOf } from '../shared/owner';
import { isActive } from '../shared/pod';
import { slowStart } from '../shared/slow-start';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { planReplicaSet, planStatus, renderPod, type Step } from './plan';

/** Sets reconciled at the same time. */
const workers = 5;
type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string; readonly error: unknown };

export class ReplicaSetController implements Controller {
  private readonly sets: TrackedInformer<ReplicaSet>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<Pod>;
  private readonly events: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.sets = deps.informers.of(replicaSets);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.pods);
    this.events = deps.recorder('replicaset-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.sets.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => {
      this.enqueueOwner(change.object);
      if (change.type === 'updated') this.enqueueOwner(change.previous);
    });
    await Promise.all([this.sets.synced(signal), this.pods.synced(signal)]);
    const reconcile = (key: string) => this.reconcile(key, signal);
    await runWorkers({ queue: this.queue, workers, reconcile }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.sets.get(key);
    if (!set) {
      this.guard.forget(key);
      return;
    }
    // The event that brings the copy up to date adds the key again.
    if (!this.guard.isCurrent(key)) return;
    const now = this.deps.clock.now();
    const plan = planReplicaSet({ set, pods: this.candidates(set), siblings: this.siblings(set), now });
    const failure = await this.apply(key, set, plan.steps, signal);
    const { status, againInMs } = planStatus(
      set,
      plan,
      failure && { reason: failure.reason, message: failure.message },
      now,
    );
    if (status) await this.deps.client.update(replicaSets, { ...set, status }, { subresource: 'status', signal });
    if (againInMs !== undefined) this.queue.addAfter(key, againInMs);
    if (failure) throw failure.error;
  }

  /** An ownerless pod concerns every set of its namespace that selects it. */
  private enqueueOwner(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner) {
      if (owner.kind === replicaSets.kind) this.queue.add(`${pod.metadata?.namespace}/${owner.name}`);
      return;
    }
    for (const set of this.sets.by(byNamespace, pod.metadata?.namespace ?? '')) this.queue.add(objectKey(set));
  }

  private candidates(set: ReplicaSet): readonly Pod[] {
    const orphans = this.pods.by(byController, orphansOf(set.metadata?.namespace));
    return [...this.pods.by(byController, controlledBy(set)), ...orphans];
  }

  private siblings(set: ReplicaSet): readonly Pod[] {
    const owner = controllerOf(set)?.uid;
    if (owner === undefined) return [];
    return this.sets
      .by(byController, controllerValue(set.metadata?.namespace, owner))
      .filter(({ metadata }) => metadata?.uid !== set.metadata?.uid)
      .flatMap((sibling) => this.pods.by(byController, controlledBy(sibling)))
      .filter(isActive);
  }

  /** Ownership first; then creates, or deletes all at once. A failure to create or delete is returned, not thrown. */
  private async apply(
    key: string,
    set: ReplicaSet,
    steps: readonly Step[],
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const { client } = this.deps;
    const kinds = { object: pods, owner: replicaSets };
    let failure: Failure | undefined;
    const deletions: Promise<void>[] = [];
    for (const step of steps) {
      switch (step.action) {
        case 'adopt':
          this.guard.wrote(key, await adopt(client, kinds, step.pod, set, signal));
          break;
        case 'release': {
          const answer = await release(client, pods, step.pod, metaOf(set).uid, signal);
          if (answer) this.guard.wrote(key, answer);
          break;
        }
        case 'create':
          failure = await this.create(key, set, step.count, signal);
          break;
        case 'delete':
          deletions.push(this.delete(key, set, step.pod, signal));
          break;
      }
    }
    const failed = (await Promise.allSettled(deletions)).find((result) => result.status === 'rejected');
    if (!failed) return failure;
    return { reason: 'FailedDelete', message: describeError(failed.reason), error: failed.reason };
  }

  private async create(key: string, set: ReplicaSet, count: number, signal: AbortSignal): Promise<Failure | undefined> {
    const pod = renderPod(set, controllerReference(replicaSets, set));
    const { error } = await slowStart(count, async () => {
      const created = await this.deps.client.create(pods, pod, { signal });
      this.guard.wrote(key, created);
      this.events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    // A namespace that is being deleted takes no pods, and its content is about to go: no failure.
    if (error === undefined || refusedByTermination(error)) return undefined;
    this.events.record(set, 'Warning', 'FailedCreate', `Error creating: ${describeError(error)}`);
    return { reason: 'FailedCreate', message: describeError(error), error };
  }

  private async delete(key: string, set: ReplicaSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const { name, uid } = metaOf(pod);
    try {
      await this.deps.client.delete(pods, objectKey(pod), { preconditions: { uid }, signal });
      this.events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (err) {
      if (!isNotFound(err)) {
        this.events.record(set, 'Warning', 'FailedDelete', `Error deleting: ${describeError(err)}`);
        throw err;
      }
    }
    this.guard.deleted(key, objectKey(pod), uid);
  }
}
