// Rolls out Deployments by ReplicaSets.

import { type Deployment, deployments } from '../../api/deployment';
import { type Pod, pods } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { selectorFromLabelSelector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { describeError, isAlreadyExists, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { adopt, release } from '../shared/adopt';
import { planClaim } from '../shared/claim';
import type { Controller, Deps } from '../shared/deps';
import { byController, byNamespace, controlledBy, orphansOf } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { controllerOf, metaOf } from '../shared/owner';
import { canonicalTemplate } from '../shared/template-hash';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { planDeployment, type Step } from './plan';
import { revisionAnnotation } from './revision';
import { creationFailure } from './status';

const workers = 5;

export class DeploymentController implements Controller {
  private readonly deployments: TrackedInformer<Deployment>;
  private readonly sets: TrackedInformer<ReplicaSet>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<ReplicaSet>;
  private readonly events: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.deployments = deps.informers.of(deployments);
    this.sets = deps.informers.of(replicaSets);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.sets);
    this.events = deps.recorder('deployment-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.deployments.onChange(({ key }) => this.queue.add(key));
    this.sets.onChange((change) => {
      this.enqueueOwner(change.object);
      if (change.type === 'updated') this.enqueueOwner(change.previous);
    });
    // Recreate waits until the last old pod has ended.
    this.pods.onChange((change) => {
      if (change.type !== 'added') this.enqueueRecreate(change.object);
    });
    await Promise.all([this.deployments, this.sets, this.pods].map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const deployment = this.deployments.get(key);
    if (!deployment) {
      this.guard.forget(key);
      return;
    }
    if (!this.guard.isCurrent(key)) return;
    const selector = selectorFromLabelSelector(deployment.spec?.selector) ?? [];
    if (selector.length === 0) {
      this.events.record(
        deployment,
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return;
    }
    const { namespace } = metaOf(deployment);
    const candidates = [
      ...this.sets.by(byController, controlledBy(deployment)),
      ...this.sets.by(byController, orphansOf(namespace)),
    ];
    const claim = planClaim(deployment, selector, candidates);
    if (claim.adopt.length + claim.release.length > 0) {
      await this.applyClaim(key, deployment, claim, signal);
      return;
    }
    const now = this.deps.clock.now();
    const plan = planDeployment({
      deployment,
      sets: claim.owned,
      oldPodsRunning: (old) =>
        old.some((set) => this.pods.by(byController, controlledBy(set)).some((pod) => !isTerminal(pod))),
      now,
    });
    let latest = deployment;
    for (const step of plan.steps) latest = await this.apply(key, latest, step, signal);
    // Another set has the name: the next pass creates one of another name.
    if (latest.status?.collisionCount !== deployment.status?.collisionCount) return;
    if (plan.status) {
      await this.deps.client.update(deployments, { ...latest, status: plan.status }, { subresource: 'status', signal });
    }
    if (plan.againInMs !== undefined) this.queue.addAfter(key, plan.againInMs);
  }

  private enqueueOwner(set: ReplicaSet): void {
    const owner = controllerOf(set);
    const namespace = set.metadata?.namespace ?? '';
    if (owner) {
      if (owner.kind === deployments.kind) this.queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const deployment of this.deployments.by(byNamespace, namespace)) this.queue.add(objectKey(deployment));
  }

  private enqueueRecreate(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== replicaSets.kind) return;
    const namespace = pod.metadata?.namespace ?? '';
    const set = this.sets.get(`${namespace}/${owner.name}`);
    const name = set && controllerOf(set)?.name;
    const deployment = name === undefined ? undefined : this.deployments.get(`${namespace}/${name}`);
    if (deployment?.spec?.strategy?.type === 'Recreate') this.queue.add(objectKey(deployment));
  }

  /** The events of these writes lead to the next pass. */
  private async applyClaim(
    key: string,
    deployment: Deployment,
    claim: { readonly adopt: readonly ReplicaSet[]; readonly release: readonly ReplicaSet[] },
    signal: AbortSignal,
  ): Promise<void> {
    const kinds = { object: replicaSets, owner: deployments };
    for (const set of claim.release) {
      const answer = await release(this.deps.client, replicaSets, set, metaOf(deployment).uid, signal);
      if (answer) this.guard.wrote(key, answer);
    }
    for (const set of claim.adopt) this.guard.wrote(key, await adopt(this.deps.client, kinds, set, deployment, signal));
  }

  /** Returns the Deployment as of the last write to it. */
  private async apply(key: string, deployment: Deployment, step: Step, signal: AbortSignal): Promise<Deployment> {
    const { client } = this.deps;
    switch (step.action) {
      case 'create':
        return this.create(key, deployment, step.set, signal);
      case 'update': {
        this.guard.wrote(key, await client.update(replicaSets, step.set, { signal }));
        const { from, to, set } = step;
        if (from !== to) this.reportScaling(deployment, set, from, to);
        return deployment;
      }
      case 'delete':
        await client
          .delete(replicaSets, objectKey(step.set), { preconditions: { uid: metaOf(step.set).uid }, signal })
          .catch((err: unknown) => {
            if (!isNotFound(err)) throw err;
          });
        this.guard.deleted(key, objectKey(step.set), metaOf(step.set).uid);
        return deployment;
      case 'revision': {
        const patch = {
          metadata: { uid: metaOf(deployment).uid, annotations: { [revisionAnnotation]: step.revision } },
        };
        // Written through the status subresource: so an annotation does not raise the generation.
        return client.patch(deployments, key, 'merge', patch, { subresource: 'status', signal });
      }
    }
  }

  private async create(key: string, deployment: Deployment, set: ReplicaSet, signal: AbortSignal): Promise<Deployment> {
    const { client } = this.deps;
    try {
      const created = await client.create(replicaSets, set, { signal });
      this.guard.wrote(key, created);
      const replicas = created.spec?.replicas ?? 0;
      if (replicas > 0) this.reportScaling(deployment, created, 0, replicas);
      return deployment;
    } catch (err) {
      if (!isAlreadyExists(err)) {
        if (!refusedByTermination(err)) await this.reportFailure(deployment, set, err, signal);
        throw err;
      }
    }
    const taken = await client.get(replicaSets, objectKey(set), signal);
    this.guard.wrote(key, taken);
    const ours = controllerOf(taken)?.uid === metaOf(deployment).uid;
    if (ours && canonicalTemplate(taken.spec?.template ?? {}) === canonicalTemplate(set.spec?.template ?? {}))
      return deployment;
    // Another template has this hash. The count is a part of the hash, so the next pass computes another one.
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    const status = { ...deployment.status, collisionCount };
    return client.update(deployments, { ...deployment, status }, { subresource: 'status', signal });
  }

  private async reportFailure(
    deployment: Deployment,
    set: ReplicaSet,
    err: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const message = `Failed to create new replica set "${set.metadata?.name}": ${describeError(err)}`;
    this.events.record(deployment, 'Warning', 'ReplicaSetCreateError', message);
    const status = creationFailure(deployment, message, this.deps.clock.now());
    if (!status) return;
    const writing = this.deps.client.update(deployments, { ...deployment, status }, { subresource: 'status', signal });
    // The failure itself is reported; the next try writes the condition.
    await writing.catch((error: unknown) => this.deps.log.debug('condition not written', { error }));
  }

  private reportScaling(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata?.name} from ${from} to ${to}`;
    this.events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
  }
}
