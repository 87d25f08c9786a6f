// Gives each ClusterRole with an aggregationRule the rules of the ClusterRoles that it selects.
import { type ClusterRole, clusterRoles } from '../../api/index';
import type { PolicyRule } from '../../api/rbac';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { planRules } from './plan';

/** The owner of `rules` in managedFields; upstream's name. */
const fieldManager = 'clusterrole-aggregation-controller';

export class ClusterRoleAggregationController implements Controller {
  private readonly roles: TrackedInformer<ClusterRole>;
  private readonly guard: WriteGuard<ClusterRole>;
  private readonly queue: WorkQueue;
  /** Keys of the roles that have an aggregationRule. */
  private readonly aggregated = new Set<string>();

  constructor(private readonly deps: Deps) {
    this.roles = deps.informers.of(clusterRoles);
    this.guard = new WriteGuard(this.roles);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.roles.onChange((change) => this.enqueue(change));
    await this.roles.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const role = this.roles.get(key);
    if (!role) {
      this.guard.forget(key);
      return;
    }
    if (!this.guard.isCurrent(key)) return;
    const rules = planRules(role, this.roles.list());
    if (!rules) return;
    this.guard.wrote(key, await this.write(key, role, rules, signal));
  }

  /** With the resourceVersion: a role that changed meanwhile is planned again, and one that was deleted is not created. */
  private write(
    key: string,
    role: ClusterRole,
    rules: readonly PolicyRule[],
    signal: AbortSignal,
  ): Promise<ClusterRole> {
    const { client } = this.deps;
    // An apply without rules would leave the rules of another owner in place.
    if (rules.length === 0) return client.update(clusterRoles, { ...role, rules: undefined }, { fieldManager, signal });
    const { name, uid, resourceVersion } = role.metadata ?? {};
    const { apiVersion, kind } = clusterRoles;
    const patch = { apiVersion, kind, metadata: { name, uid, resourceVersion }, rules };
    return client.patch(clusterRoles, key, 'apply', patch, { fieldManager, force: true, signal });
  }

  /** A change of any role may concern each aggregated role: by its rules, its old labels or its new ones. */
  private enqueue({ type, key, object }: Change<ClusterRole>): void {
    if (type !== 'deleted' && object.aggregationRule) this.aggregated.add(key);
    else this.aggregated.delete(key);
    for (const each of this.aggregated) this.queue.add(each);
  }
}
