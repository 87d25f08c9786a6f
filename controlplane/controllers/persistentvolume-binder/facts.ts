// The copies that the binder plans from, and which claims and volumes a change concerns.

import { defaultClassOf } from '../../api/default-class';
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from '../../api/index';
import { isDefaultClass } from '../../api/storage-class';
import { bindCompleted, claimKeyOf, hasAnnotation } from '../../api/volumes/binding';
import { classOf } from '../../api/volumes/class-name';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { InformerSet } from '../shared/informers';
import { KeyGroups } from '../shared/key-groups';
import { isActive } from '../shared/pod';
import { claimKeysOf } from '../shared/pod-claims';
import type { ClaimFacts } from './plan-claim';

export interface Queues {
  readonly claims: WorkQueue;
  readonly volumes: WorkQueue;
}

export class BinderFacts {
  readonly volumes: TrackedInformer<PersistentVolume>;
  readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly classes: TrackedInformer<StorageClass>;
  private readonly pods: TrackedInformer<Pod>;
  /** Volumes: by `free CLASS` without a claim, by `of CLAIM` with one. */
  private readonly volumeGroups = new KeyGroups();
  /** Claims: by `wants CLASS` (`wants` without one) while any volume will do, by `names VOLUME`. */
  private readonly claimGroups = new KeyGroups();
  /** Pods by their claims. */
  private readonly podGroups = new KeyGroups();

  constructor(informers: InformerSet) {
    this.volumes = informers.of(persistentVolumes);
    this.claims = informers.of(persistentVolumeClaims);
    this.classes = informers.of(storageClasses);
    this.pods = informers.of(pods);
  }

  async follow({ claims, volumes }: Queues, signal: AbortSignal): Promise<void> {
    const addClaims = (group: string) => {
      for (const key of this.claimGroups.in(group)) claims.add(key);
    };
    this.claims.onChange(({ type, key, object }) => {
      const before = this.claimGroups.set(key, type === 'deleted' ? [] : groupsOfClaim(object));
      claims.add(key);
      for (const group of before) if (group.startsWith('names ')) volumes.add(group.slice('names '.length));
      if (object.spec?.volumeName) volumes.add(object.spec.volumeName);
      // A volume may name a claim that did not exist until now.
      if (type !== 'updated') for (const name of this.volumeGroups.in(`of ${key}`)) volumes.add(name);
    });
    this.volumes.onChange(({ type, key, object }) => {
      this.volumeGroups.set(key, type === 'deleted' ? [] : [groupOfVolume(object)]);
      if (type !== 'deleted') volumes.add(key);
      const claim = claimKeyOf(object);
      if (claim !== undefined) claims.add(claim);
      addClaims(`names ${key}`);
      if (claim === undefined && object.status?.phase === 'Available')
        addClaims(`wants ${classOf(object) ?? ''}`.trim());
    });
    this.classes.onChange(({ key }) => {
      addClaims(`wants ${key}`);
      // The default class may have changed.
      addClaims('wants');
    });
    this.pods.onChange((change) => this.followPod(change, claims));
    const all = [this.claims, this.volumes, this.classes, this.pods];
    await Promise.all(all.map((informer) => informer.synced(signal)));
  }

  /** What `planClaim` needs, from the copies. */
  of(key: string, claim: PersistentVolumeClaim): ClaimFacts {
    const name = classOf(claim);
    const groups = [`of ${key}`, `free ${name ?? ''}`];
    const names = new Set(groups.flatMap((group) => this.volumeGroups.in(group)));
    return {
      claim,
      named: claim.spec?.volumeName ? this.volumes.get(claim.spec.volumeName) : undefined,
      candidates: [...names].sort().flatMap((volume) => this.volumes.get(volume) ?? []),
      storageClass: name ? this.classes.get(name) : undefined,
      defaultClass: name === undefined ? defaultClassOf(this.classes.list(), isDefaultClass) : undefined,
      waitingPods: this.waitingPods(key),
    };
  }

  private waitingPods(claim: string): readonly string[] {
    const found = this.podGroups.in(claim).flatMap((key) => this.pods.get(key) ?? []);
    return found
      .filter((pod) => isActive(pod) && !pod.spec?.nodeName)
      .map(({ metadata }) => metadata?.name ?? '')
      .sort();
  }

  /** The Event of a claim that waits names the pods for which it waits. */
  private followPod({ type, key, object }: Change<Pod>, claims: WorkQueue): void {
    const named = type === 'deleted' ? [] : claimKeysOf(object);
    const before = this.podGroups.set(key, named);
    for (const claim of new Set([...before, ...named])) {
      const found = this.claims.get(claim);
      if (found && !hasAnnotation(found, bindCompleted)) claims.add(claim);
    }
  }
}

function groupsOfClaim(claim: PersistentVolumeClaim): readonly string[] {
  const volume = claim.spec?.volumeName;
  if (volume) return [`names ${volume}`];
  return hasAnnotation(claim, bindCompleted) ? [] : [`wants ${classOf(claim) ?? ''}`.trim()];
}

function groupOfVolume(volume: PersistentVolume): string {
  const claim = claimKeyOf(volume);
  return claim === undefined ? `free ${classOf(volume) ?? ''}` : `of ${claim}`;
}
