// The writes of the StatefulSet controller: pods and claims are created, deleted and marked, and Events say so in upstream's words.
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { type Pod, pods } from '../../api/pod';
import type { StatefulSet } from '../../api/stateful-set';
import { objectKey } from '../../api/types';
import { Conflict, describeError, isAlreadyExists, isNotFound } from '../../base/errors';
import type { Client } from '../../client/client';
import type { EventRecorder } from '../../client/event-recorder';
import { refusedByTermination } from '../shared/namespaced';
import { metaOf } from '../shared/owner';
import type { WriteGuard } from '../shared/write-guard';
import { newClaims } from './claims';
import { identityLabels, podNameOf } from './identity';
import type { Step } from './plan';

export interface StatefulPodsDeps {
  readonly client: Client;
  readonly guard: WriteGuard<Pod>;
  readonly events: EventRecorder;
  /** By the key of the claim. */
  readonly findClaim: (key: string) => PersistentVolumeClaim | undefined;
}
type StepOf<A extends Step['action']> = Extract<Step, { action: A }>;

export class StatefulPods {
  constructor(private readonly deps: StatefulPodsDeps) {}

  /** The claims first: a pod that exists always finds them. @throws what the client throws */
  async create(key: string, set: StatefulSet, ordinal: number, pod: Pod, signal: AbortSignal): Promise<void> {
    await this.createClaims(set, ordinal, signal);
    try {
      this.deps.guard.wrote(key, await this.deps.client.create(pods, pod, { signal }));
      this.report(set, 'create', pod.metadata?.name);
    } catch (err) {
      // Another pod has the name: the next try, after a while, may find it removed.
      if (!isAlreadyExists(err) && !refusedByTermination(err)) this.report(set, 'create', pod.metadata?.name, err);
      throw err;
    }
  }

  async createClaims(set: StatefulSet, ordinal: number, signal: AbortSignal): Promise<void> {
    const pod = podNameOf(set, ordinal);
    for (const claim of newClaims(set, ordinal)) {
      if (this.deps.findClaim(objectKey(claim))) continue;
      const { name } = claim.metadata ?? {};
      try {
        await this.deps.client.create(persistentVolumeClaims, claim, { signal });
        const message = `Create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata?.name} success`;
        this.deps.events.record(set, 'Normal', 'SuccessfulCreate', message);
      } catch (err) {
        if (isAlreadyExists(err)) continue;
        if (!refusedByTermination(err)) {
          const what = `Create Claim ${name} for Pod ${pod} in StatefulSet ${set.metadata?.name}`;
          this.deps.events.record(set, 'Warning', 'FailedCreate', `${what} failed error: ${describeError(err)}`);
        }
        throw err;
      }
    }
  }

  /** A pod that does not exist counts as deleted. */
  async delete(key: string, set: StatefulSet, { pod }: StepOf<'delete'>, signal: AbortSignal): Promise<void> {
    const { name, uid } = metaOf(pod);
    try {
      await this.deps.client.delete(pods, objectKey(pod), { preconditions: { uid }, signal });
      this.report(set, 'delete', name);
    } catch (err) {
      if (!isNotFound(err)) {
        this.report(set, 'delete', name, err);
        throw err;
      }
    }
    this.deps.guard.deleted(key, objectKey(pod), uid);
  }

  async identify(
    key: string,
    set: StatefulSet,
    { pod, ordinal }: StepOf<'identify'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { name, uid, resourceVersion } = metaOf(pod);
    const patch = { metadata: { uid, resourceVersion, labels: identityLabels(set, ordinal) } };
    try {
      this.deps.guard.wrote(key, await this.deps.client.patch(pods, objectKey(pod), 'merge', patch, { signal }));
      this.report(set, 'update', name);
    } catch (err) {
      if (isNotFound(err)) return;
      this.report(set, 'update', name, err);
      throw err;
    }
  }

  /** Reports it as an update of the pod, as upstream: the claims of a pod are a part of it. */
  async own(
    set: StatefulSet,
    { claim, ownerReferences, isForeign, updates }: StepOf<'own'>,
    signal: AbortSignal,
  ): Promise<void> {
    if (isForeign) {
      const why = 'has a conflicting OwnerReference that acts as a manging controller';
      const message = `PersistentVolumeClaim ${claim.metadata?.name} ${why}, the retention policy is ignored for this claim`;
      this.deps.events.record(set, 'Warning', 'ConflictingController', message);
    }
    const { uid, resourceVersion } = metaOf(claim);
    const owners = ownerReferences.length > 0 ? ownerReferences : null;
    const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
    try {
      await this.deps.client.patch(persistentVolumeClaims, objectKey(claim), 'merge', patch, { signal });
      if (updates !== undefined) this.report(set, 'update', updates);
    } catch (err) {
      if (isNotFound(err)) return;
      if (updates !== undefined) this.report(set, 'update', updates, err);
      throw err;
    }
  }

  /** @throws Conflict always: the pod is tried again after a while */
  refuse(set: StatefulSet, { ordinal, claim }: StepOf<'refuse'>): never {
    const err = new Conflict(`pvc ${claim} is being deleted`);
    this.report(set, 'create', podNameOf(set, ordinal), err);
    throw err;
  }

  private report(set: StatefulSet, verb: 'create' | 'update' | 'delete', pod: string | undefined, err?: unknown): void {
    const title = `${verb[0]?.toUpperCase()}${verb.slice(1)}`;
    const what = `${title} Pod ${pod} in StatefulSet ${set.metadata?.name}`;
    if (err === undefined) this.deps.events.record(set, 'Normal', `Successful${title}`, `${what} successful`);
    else this.deps.events.record(set, 'Warning', `Failed${title}`, `${what} failed error: ${describeError(err)}`);
  }
}
