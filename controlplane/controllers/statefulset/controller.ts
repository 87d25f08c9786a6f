// Keeps the pods of a StatefulSet: each with a name and claims of its own, in the order of their ordinals.
import type { ControllerRevision } from '../../api/controller-revision';
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { type Selector, selectorFromLabelSelector } from '../../api/selector';
import { type StatefulSet, statefulSets } from '../../api/stateful-set';
import { objectKey } from '../../api/types';
import type { TrackedInformer } from '../../client/informer';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { PodOwner } from '../shared/pod-owner';
import { RevisionHistory } from '../shared/revision-history';
import { statefulSetRevisions, templateOf } from '../shared/revisions';
import { slowStart } from '../shared/slow-start';
import { runWorkers } from '../shared/worker';
import { isMember, renderPod } from './identity';
import { planStatefulSet, type Step } from './plan';
import { StatefulPods } from './stateful-pods';

const workers = 5;

export class StatefulSetController implements Controller {
  private readonly podOwner: PodOwner<StatefulSet>;
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly history: RevisionHistory<StatefulSet>;
  private readonly statefulPods: StatefulPods;

  constructor(private readonly deps: Deps) {
    this.podOwner = new PodOwner(deps, { kind: statefulSets, component: 'statefulset-controller', isMember });
    this.claims = deps.informers.of(persistentVolumeClaims);
    this.history = new RevisionHistory(deps, {
      kind: statefulSets,
      template: ({ spec }) => spec?.template ?? {},
      selector: selectorOf,
      limit: ({ spec }) => spec?.revisionHistoryLimit ?? 10,
      form: statefulSetRevisions,
    });
    const { guard, events } = this.podOwner;
    this.statefulPods = new StatefulPods({
      client: deps.client,
      guard,
      events,
      findClaim: (key) => this.claims.get(key),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { workloads, pods, queue } = this.podOwner;
    const { revisions } = this.history;
    this.podOwner.follow();
    revisions.onChange(({ object }) => this.podOwner.enqueueOwner(object));
    this.claims.onChange(({ type, object }) => {
      // A pod may wait until a claim of its predecessor is removed. Other changes of claims concern no set.
      if (type !== 'deleted') return;
      for (const set of workloads.by(byNamespace, object.metadata?.namespace ?? '')) {
        if (set.spec?.volumeClaimTemplates?.length) queue.add(objectKey(set));
      }
    });
    const informers = [workloads, pods, this.claims, revisions];
    await Promise.all(informers.map((informer) => informer.synced(signal)));
    await runWorkers({ queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.podOwner.workloads.get(key);
    if (!set) {
      this.podOwner.guard.forget(key);
      this.history.forget(key);
      return;
    }
    if (!this.podOwner.guard.isCurrent(key) || !this.history.isCurrent(key)) return;
    const selector = selectorOf(set);
    if (selector.length === 0) return;
    const owned = await this.podOwner.claim(key, set, selector, signal);
    if (owned === undefined) return;
    const comesFrom = set.status?.currentRevision;
    const update = await this.history.apply(key, set, owned, signal, comesFrom === undefined ? [] : [comesFrom]);
    if (update === undefined) return;
    const earlier = this.history.find(set, comesFrom);
    const namespace = set.metadata?.namespace;
    const plan = planStatefulSet({
      set,
      pods: owned,
      findClaim: (name) => this.claims.get(`${namespace}/${name}`),
      current: earlier?.metadata?.name ?? update,
      update,
      now: this.deps.clock.now(),
    });
    if (plan.againInMs !== undefined) this.podOwner.queue.addAfter(key, plan.againInMs);
    // First, so that it is written also while a step fails again and again.
    if (plan.status) {
      await this.deps.client.update(statefulSets, { ...set, status: plan.status }, { subresource: 'status', signal });
    }
    await this.apply(key, set, plan.steps, { earlier, update }, signal);
  }

  private async apply(
    key: string,
    set: StatefulSet,
    steps: readonly Step[],
    revisions: Revisions,
    signal: AbortSignal,
  ): Promise<void> {
    const { statefulPods } = this;
    const creations = steps.filter((step) => step.action === 'create');
    // Owners of claims before deletions: a claim that goes with its pod must belong to the pod before that ends.
    for (const step of steps) {
      if (step.action === 'own') await statefulPods.own(set, step, signal);
      else if (step.action === 'claim') await statefulPods.createClaims(set, step.ordinal, signal);
      else if (step.action === 'identify') await statefulPods.identify(key, set, step, signal);
    }
    let next = 0;
    const { error } = await slowStart(creations.length, async () => {
      const { ordinal, revision } = creations[next++]!;
      const { template, name } = templateFor(set, revision, revisions);
      await statefulPods.create(key, set, ordinal, renderPod(set, ordinal, template, name), signal);
    });
    if (error !== undefined && !refusedByTermination(error)) throw error;
    const deletions = steps.map(async (step) => {
      if (step.action === 'delete') await statefulPods.delete(key, set, step, signal);
      else if (step.action === 'refuse') statefulPods.refuse(set, step);
    });
    const failed = (await Promise.allSettled(deletions)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

interface Revisions {
  readonly earlier: ControllerRevision | undefined;
  /** The name of the revision of the present template. */
  readonly update: string;
}

function templateFor(set: StatefulSet, revision: 'current' | 'update', { earlier, update }: Revisions) {
  const template = set.spec?.template ?? {};
  const name = earlier?.metadata?.name;
  if (revision === 'update' || !earlier || name === undefined) return { template, name: update };
  return { template: templateOf(earlier) ?? template, name };
}

const selectorOf = ({ spec }: StatefulSet): Selector => selectorFromLabelSelector(spec?.selector) ?? [];
