// Keeps a PersistentVolumeClaim that is deleted until no pod uses it. Adds the finalizer to claims that lack it.
import { type PersistentVolumeClaim, type Pod, persistentVolumeClaims, pods } from '../../api/index';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { KeyGroups } from '../shared/key-groups';
import { claimKeysOf } from '../shared/pod-claims';
import { planProtection, writeProtection } from '../shared/protection';
import { controllerQueue, runWorkers } from '../shared/worker';
import { claimFinalizer, usesClaim } from './plan';

export class PvcProtectionController implements Controller {
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  /** Pods by the claims that they name. */
  private readonly podsOf = new KeyGroups();

  constructor(private readonly deps: Deps) {
    this.claims = deps.informers.of(persistentVolumeClaims);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.claims.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => this.follow(change));
    await Promise.all([this.claims.synced(signal), this.pods.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.claims.get(key);
    const step = claim && planProtection(claim, claimFinalizer);
    if (!step || (step === 'release' && (await this.isUsed(key, claim, signal)))) return;
    const write = { client: this.deps.client, kind: persistentVolumeClaims, finalizer: claimFinalizer };
    await writeProtection(write, claim, step, signal);
  }

  /** The copy may lack a pod that was bound a moment ago, so the API decides that no pod uses the claim. */
  private async isUsed(key: string, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<boolean> {
    const known = this.podsOf.in(key).flatMap((pod) => this.pods.get(pod) ?? []);
    if (known.some((pod) => usesClaim(pod, claim))) return true;
    const { items } = await this.deps.client.list(pods, { namespace: claim.metadata?.namespace }, signal);
    return items.some((pod) => usesClaim(pod, claim));
  }

  /** Adds the claims that the pod names, and those that it named before. */
  private follow({ type, key, object }: Change<Pod>): void {
    const claims = type === 'deleted' ? [] : claimKeysOf(object);
    for (const claim of new Set([...this.podsOf.set(key, claims), ...claims])) this.queue.add(claim);
  }
}
