// What every controller that owns pods does: it follows its objects and their pods, claims pods, creates and deletes them, and does not
// act on a copy older than its own last write. The controller's plan decides which pods are desired.
import type { Kind } from '../../api/kind';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import type { Selector } from '../../api/selector';
import { type KubeObject, objectKey } from '../../api/types';
import type { BackoffOptions } from '../../base/backoff';
import { describeError, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { adopt, release } from './adopt';
import { planClaim } from './claim';
import type { Deps } from './deps';
import { byController, byNamespace, controlledBy, orphansOf } from './informers';
import { refusedByTermination } from './namespaced';
import { controllerOf, metaOf } from './owner';
import { slowStart } from './slow-start';
import { controllerQueue } from './worker';
import { WriteGuard } from './write-guard';

export interface PodOwnerOptions<O extends KubeObject> {
  readonly kind: Kind<O>;
  /** The source of its Events. */
  readonly component: string;
  /** Each pod gets this finalizer, until the controller removes it. */
  readonly finalizer?: string;
  /** Of pods that the owner's selector matches: which of them belong to it. All by default; with it, ended pods are adopted too. */
  readonly isMember?: (owner: O, pod: Pod) => boolean;
  /** How long a failed key waits; that of all controllers by default. */
  readonly backoff?: BackoffOptions;
}

export class PodOwner<O extends KubeObject> {
  /** The objects that own pods, all of one kind. */
  readonly workloads: TrackedInformer<O>;
  readonly pods: TrackedInformer<Pod>;
  /** Keys of workloads. */
  readonly queue: WorkQueue;
  readonly guard: WriteGuard<Pod>;
  readonly events: EventRecorder;

  constructor(
    private readonly deps: Deps,
    private readonly options: PodOwnerOptions<O>,
  ) {
    this.workloads = deps.informers.of(options.kind);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps, options.backoff);
    this.guard = new WriteGuard(this.pods);
    this.events = deps.recorder(options.component);
  }

  /** Adds the key of each owner that a change of an owner or a pod concerns. */
  follow(): void {
    this.workloads.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => {
      this.enqueueOwner(change.object);
      if (change.type === 'updated') this.enqueueOwner(change.previous);
    });
  }

  /** An object without an owner concerns every owner of its namespace: any of them may select it. */
  enqueueOwner(object: KubeObject): void {
    const owner = controllerOf(object);
    const namespace = object.metadata?.namespace ?? '';
    if (owner?.kind === this.options.kind.kind) this.queue.add(`${namespace}/${owner.name}`);
    else if (!owner) for (const one of this.workloads.by(byNamespace, namespace)) this.queue.add(objectKey(one));
  }

  /** The pods of the owner, and the pods of its namespace without an owner. */
  candidates(owner: O): readonly Pod[] {
    const orphans = this.pods.by(byController, orphansOf(owner.metadata?.namespace));
    return [...this.pods.by(byController, controlledBy(owner)), ...orphans];
  }

  /** The pods of the owner; undefined after a pod was released or adopted: the events of these writes lead to the next pass. */
  async claim(key: string, owner: O, selector: Selector, signal: AbortSignal): Promise<readonly Pod[] | undefined> {
    const { isMember } = this.options;
    const claim = planClaim(
      owner,
      selector,
      this.candidates(owner),
      (pod) => isMember !== undefined || !isTerminal(pod),
      (pod) => isMember?.(owner, pod) ?? true,
    );
    for (const pod of claim.release) await this.release(key, owner, pod, signal);
    for (const pod of claim.adopt) await this.adopt(key, owner, pod, signal);
    return claim.adopt.length + claim.release.length > 0 ? undefined : claim.owned;
  }

  /** @throws Conflict when the owner was replaced or is being deleted */
  async adopt(key: string, owner: O, pod: Pod, signal: AbortSignal): Promise<void> {
    const kinds = { object: pods, owner: this.options.kind };
    this.guard.wrote(key, await adopt(this.deps.client, kinds, pod, owner, signal, this.options.finalizer));
  }

  async release(key: string, owner: O, pod: Pod, signal: AbortSignal): Promise<void> {
    const { finalizer } = this.options;
    const answer = await release(this.deps.client, pods, pod, metaOf(owner).uid, signal, finalizer);
    if (answer) this.guard.wrote(key, answer);
  }

  /**
   * Creates pods in growing batches until one fails; resolves with that failure. Calls `render` for each pod. The refusal of a namespace
   * that is being deleted is no failure.
   */
  async create(key: string, owner: O, count: number, render: () => Pod, signal: AbortSignal): Promise<unknown> {
    const { error } = await slowStart(count, async () => {
      const created = await this.deps.client.create(pods, render(), { signal });
      this.guard.wrote(key, created);
      this.events.record(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    if (error === undefined || refusedByTermination(error)) return undefined;
    this.events.record(owner, 'Warning', 'FailedCreate', `Error creating: ${describeError(error)}`);
    return error;
  }

  /** A pod that does not exist counts as deleted. @throws what the client throws otherwise */
  async delete(key: string, owner: O, pod: Pod, signal: AbortSignal): Promise<void> {
    const { name, uid } = metaOf(pod);
    try {
      await this.deps.client.delete(pods, objectKey(pod), { preconditions: { uid }, signal });
      this.events.record(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (err) {
      if (!isNotFound(err)) {
        this.events.record(owner, 'Warning', 'FailedDelete', `Error deleting: ${describeError(err)}`);
        throw err;
      }
    }
    this.guard.deleted(key, objectKey(pod), uid);
  }
}
