// Keeps the history of a workload that replaces its pods in place, as ControllerRevisions: applies the plan of revisions.ts.
import { type ControllerRevision, controllerRevisions } from '../../api/controller-revision';
import type { Kind } from '../../api/kind';
import type { Pod } from '../../api/pod';
import { objectKey } from '../../api/types';
import { isAlreadyExists, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { Deps } from './deps';
import { byController, controlledBy } from './informers';
import { refusedByTermination } from './namespaced';
import { controllerOf, controllerReference, metaOf } from './owner';
import { hasTemplate, planRevisions, type RevisionInput, revisionHashLabel } from './revisions';
import { WriteGuard } from './write-guard';

type Workload = RevisionInput['owner'];

export interface RevisionHistoryOptions<O extends Workload> {
  readonly kind: Kind<O>;
  readonly template: (owner: O) => RevisionInput['template'];
  /** How many revisions to keep that no pod has. */
  readonly limit: (owner: O) => number;
}

export class RevisionHistory<O extends Workload> {
  readonly revisions: TrackedInformer<ControllerRevision>;
  private readonly guard: WriteGuard<ControllerRevision>;

  constructor(
    private readonly deps: Deps,
    private readonly options: RevisionHistoryOptions<O>,
  ) {
    this.revisions = deps.informers.of(controllerRevisions);
    this.guard = new WriteGuard(this.revisions);
  }

  /** True when the copy shows every revision written for this owner. */
  isCurrent(key: string): boolean {
    return this.guard.isCurrent(key);
  }

  forget(key: string): void {
    this.guard.forget(key);
  }

  /** Returns the hash of the template; undefined when the owner had to be changed first: the event of that write leads to the next pass. */
  async apply(key: string, owner: O, owned: readonly Pod[], signal: AbortSignal): Promise<string | undefined> {
    const { client } = this.deps;
    const { kind, template, limit } = this.options;
    const plan = planRevisions({
      owner,
      ownerReference: controllerReference(kind, owner),
      template: template(owner),
      owned: this.revisions.by(byController, controlledBy(owner)),
      inUse: new Set(owned.map(({ metadata }) => metadata?.labels?.[revisionHashLabel] ?? '')),
      limit: limit(owner),
    });
    if (plan.update) this.guard.wrote(key, await client.update(controllerRevisions, plan.update, { signal }));
    for (const revision of plan.remove) await this.remove(key, revision, signal);
    if (!plan.create) return plan.hash;
    try {
      this.guard.wrote(key, await client.create(controllerRevisions, plan.create, { signal }));
      return plan.hash;
    } catch (err) {
      if (refusedByTermination(err)) return undefined;
      if (!isAlreadyExists(err)) throw err;
    }
    const taken = await client.get(controllerRevisions, objectKey(plan.create), signal);
    const ours = controllerOf(taken)?.uid === metaOf(owner).uid;
    if (ours && hasTemplate(taken, template(owner))) return plan.hash;
    await this.countCollision(owner, signal);
    return undefined;
  }

  private async remove(key: string, revision: ControllerRevision, signal: AbortSignal): Promise<void> {
    const { uid } = metaOf(revision);
    const revisionKey = objectKey(revision);
    try {
      await this.deps.client.delete(controllerRevisions, revisionKey, { preconditions: { uid }, signal });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    this.guard.deleted(key, revisionKey, uid);
  }

  /** Another template has this hash. The count is a part of the hash, so the next pass computes another one. */
  private async countCollision(owner: O, signal: AbortSignal): Promise<void> {
    const status = { ...owner.status, collisionCount: (owner.status?.collisionCount ?? 0) + 1 };
    await this.deps.client.update(this.options.kind, { ...owner, status }, { subresource: 'status', signal });
  }
}
