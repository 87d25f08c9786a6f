// Keeps the history of a workload that replaces its pods in place, as ControllerRevisions: applies the plan of revisions.ts.
import { type ControllerRevision, controllerRevisions } from '../../api/controller-revision';
import type { Kind } from '../../api/kind';
import type { Pod } from '../../api/pod';
import type { Selector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { isAlreadyExists, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import { adopt } from './adopt';
import { planClaim } from './claim';
import type { Deps } from './deps';
import { byController, controlledBy, orphansOf } from './informers';
import { refusedByTermination } from './namespaced';
import { controllerOf, controllerReference, metaOf } from './owner';
import {
  carriedBy,
  hasTemplate,
  planRevisions,
  type RevisionForm,
  type RevisionInput,
  revisionHashLabel,
} from './revisions';
import { WriteGuard } from './write-guard';

type Workload = RevisionInput['owner'];

export interface RevisionHistoryOptions<O extends Workload> {
  readonly kind: Kind<O>;
  readonly template: (owner: O) => RevisionInput['template'];
  readonly selector: (owner: O) => Selector;
  /** How many revisions to keep that no pod has. */
  readonly limit: (owner: O) => number;
  readonly form: RevisionForm;
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

  /** The revision of the owner that its pods name in this way. */
  find(owner: O, carried: string | undefined): ControllerRevision | undefined {
    const owned = this.revisions.by(byController, controlledBy(owner));
    return owned.find((revision) => carriedBy(revision, this.options.form) === carried);
  }

  /**
   * Returns what pods of the present template carry in their label; undefined when another object had to be changed first: the event of
   * that write leads to the next pass. The revisions in `kept` stay, as those of the pods.
   */
  async apply(
    key: string,
    owner: O,
    owned: readonly Pod[],
    signal: AbortSignal,
    kept: readonly string[] = [],
  ): Promise<string | undefined> {
    const { client } = this.deps;
    const { kind, template, limit, form } = this.options;
    if (await this.adoptOrphans(key, owner, signal)) return undefined;
    const plan = planRevisions({
      owner,
      ownerReference: controllerReference(kind, owner),
      template: template(owner),
      owned: this.revisions.by(byController, controlledBy(owner)),
      inUse: new Set([...kept, ...owned.map(({ metadata }) => metadata?.labels?.[revisionHashLabel] ?? '')]),
      limit: limit(owner),
      form,
    });
    if (plan.update) this.guard.wrote(key, await client.update(controllerRevisions, plan.update, { signal }));
    for (const revision of plan.remove) await this.remove(key, revision, signal);
    if (!plan.create) return plan.carried;
    try {
      this.guard.wrote(key, await client.create(controllerRevisions, plan.create, { signal }));
      return plan.carried;
    } catch (err) {
      if (refusedByTermination(err)) return undefined;
      if (!isAlreadyExists(err)) throw err;
    }
    const taken = await client.get(controllerRevisions, objectKey(plan.create), signal);
    const holder = controllerOf(taken);
    const isSame = hasTemplate(taken, template(owner));
    if (isSame && holder?.uid === metaOf(owner).uid) return plan.carried;
    // The copy did not show yet that its earlier owner has left it.
    if (isSame && !holder) await this.adopt(key, owner, taken, signal);
    else await this.countCollision(owner, signal);
    return undefined;
  }

  /** Revisions of an earlier owner of the same pods: with them a new owner knows of which revision its pods are. */
  private async adoptOrphans(key: string, owner: O, signal: AbortSignal): Promise<boolean> {
    const { selector } = this.options;
    const orphans = this.revisions.by(byController, orphansOf(owner.metadata?.namespace));
    if (orphans.length === 0) return false;
    const claim = planClaim(owner, selector(owner), orphans);
    for (const revision of claim.adopt) await this.adopt(key, owner, revision, signal);
    return claim.adopt.length > 0;
  }

  /** @throws Conflict when the owner was replaced or is being deleted */
  private async adopt(key: string, owner: O, revision: ControllerRevision, signal: AbortSignal): Promise<void> {
    const kinds = { object: controllerRevisions, owner: this.options.kind };
    this.guard.wrote(key, await adopt(this.deps.client, kinds, revision, owner, signal));
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
