// Keeps a PersistentVolumeClaim that is deleted until no pod uses it. Adds the finalizer to claims that lack it.
import { type PersistentVolumeClaim, type Pod, persistentVolumeClaims, pods } from '../../api/index';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { planProtection, writeProtection } from '../shared/protection';
import { controllerQueue, runWorkers } from '../shared/worker';
import { claimFinalizer, claimNamesOf, usesClaim } from './plan';

export class PvcProtectionController implements Controller {
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly queue: WorkQueue;
  /** Key of a pod → keys of its claims. Only pods with claims are in it. */
  private readonly claimsOf = new Map<string, readonly string[]>();
  /** Key of a claim → keys of the pods that name it. */
  private readonly podsOf = new Map<string, Set<string>>();

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
    const known = [...(this.podsOf.get(key) ?? [])].flatMap((pod) => this.pods.get(pod) ?? []);
    if (known.some((pod) => usesClaim(pod, claim))) return true;
    const { items } = await this.deps.client.list(pods, { namespace: claim.metadata?.namespace }, signal);
    return items.some((pod) => usesClaim(pod, claim));
  }

  /** Adds the claims that the pod names, and those that it named before. */
  private follow({ type, key, object }: Change<Pod>): void {
    const before = this.claimsOf.get(key) ?? [];
    const named = type === 'deleted' ? [] : claimNamesOf(object);
    const claims = named.map((name) => `${object.metadata?.namespace}/${name}`);
    if (before.length === 0 && claims.length === 0) return;
    for (const claim of before) this.drop(claim, key);
    for (const claim of claims) this.podsOf.set(claim, (this.podsOf.get(claim) ?? new Set()).add(key));
    if (claims.length > 0) this.claimsOf.set(key, claims);
    else this.claimsOf.delete(key);
    for (const claim of new Set([...before, ...claims])) this.queue.add(claim);
  }

  private drop(claim: string, pod: string): void {
    const users = this.podsOf.get(claim);
    users?.delete(pod);
    if (users?.size === 0) this.podsOf.delete(claim);
  }
}
