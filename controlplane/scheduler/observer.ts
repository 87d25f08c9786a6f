// Carries what the informers show of nodes and pods into the scheduler's state and queue.
import { isDeepStrictEqual } from 'node:util';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import { isTerminal } from '../api/pods/facts';
import type { Change } from '../client/informer';
import { mattersForScheduling, nodeEvents, requestsLess } from './changes';
import { nodeInfo } from './node-info';
import { defaultSchedulerName, type PodInfo, podInfo } from './pod-info';
import type { Profile } from './profile';
import type { SchedulingQueue } from './queue';
import type { ClusterState } from './state';

export interface ObserverDeps {
  readonly state: ClusterState;
  readonly queue: SchedulingQueue;
  /** By spec.schedulerName. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** The pod has a node, has ended or does not exist any more. */
  readonly onSettled: (uid: string) => void;
  /** The pod has ended or does not exist any more. Comes after onSettled. */
  readonly onEnded: (pod: PodInfo) => void;
}

export class Observer {
  /** uids of pods that scheduling gates hold back. */
  private readonly gated = new Set<string>();

  constructor(private readonly deps: ObserverDeps) {}

  /** How many pods scheduling gates hold back. */
  get gatedPods(): number {
    return this.gated.size;
  }

  onNode(change: Change<Node>): void {
    const { state, queue } = this.deps;
    if (change.type === 'deleted') {
      state.setNode(change.key, undefined);
      queue.changed({ type: 'node-removed', node: nodeInfo(change.object) });
      return;
    }
    state.setNode(change.key, change.object);
    const node = state.node(change.key)!;
    if (change.type === 'added') queue.changed({ type: 'node-added', node });
    else for (const event of nodeEvents(change.previous, node)) queue.changed(event);
  }

  onPod(change: Change<Pod>): void {
    const { object: pod } = change;
    const info = podInfo(pod);
    const ended = change.type === 'deleted' || isTerminal(pod);
    this.countGated(info, ended);
    if (ended || pod.spec?.nodeName) this.deps.onSettled(info.uid);
    if (ended) this.onEnded(info);
    else if (pod.spec?.nodeName) this.onAssigned(info, pod.spec.nodeName, change);
    else if (this.isOurs(pod)) this.onWaiting(info, change);
    else this.deps.queue.remove(info.key);
  }

  private onEnded(pod: PodInfo): void {
    const { state, queue, onEnded } = this.deps;
    onEnded(pod);
    state.nominate(pod, undefined);
    queue.remove(pod.key);
    if (state.remove(pod.uid)) queue.changed({ type: 'pod-removed', pod });
  }

  private onAssigned(pod: PodInfo, node: string, change: Change<Pod>): void {
    const { state, queue } = this.deps;
    state.place(pod, node);
    state.nominate(pod, undefined);
    queue.remove(pod.key);
    if (change.type !== 'updated' || !change.previous.spec?.nodeName) {
      queue.changed({ type: 'pod-assigned', pod });
      return;
    }
    const previous = podInfo(change.previous);
    if (requestsLess(pod, previous)) queue.changed({ type: 'pod-scaled-down', pod, previous });
    if (!isDeepStrictEqual(pod.labels, previous.labels)) queue.changed({ type: 'pod-labels', pod, previous });
  }

  private onWaiting(info: PodInfo, change: Change<Pod>): void {
    const { state, queue } = this.deps;
    if (state.isAssumed(info.uid)) {
      // If the binding fails, the scheduler tries the new version of the pod.
      queue.refresh(info);
      return;
    }
    const nomination = info.pod.status?.nominatedNodeName || undefined;
    const before = change.type === 'updated' ? change.previous.status?.nominatedNodeName || undefined : undefined;
    // Only a change counts: an old copy must not undo a newer decision.
    if (nomination !== before) state.nominate(info, nomination);
    if (change.type === 'updated' && queue.has(info.key) && !mattersForScheduling(change.previous, info.pod)) {
      queue.refresh(info);
    } else {
      queue.add(info);
    }
  }

  private countGated({ uid, pod, schedulerName }: PodInfo, ended: boolean): void {
    const gates = pod.spec?.schedulingGates ?? [];
    if (!ended && gates.length > 0 && this.deps.profiles.get(schedulerName)?.gates) this.gated.add(uid);
    else this.gated.delete(uid);
  }

  /** False for a pod that is being deleted, that has scheduling gates, or that names a scheduler without a profile here. */
  private isOurs({ metadata, spec }: Pod): boolean {
    const profile = this.deps.profiles.get(spec?.schedulerName ?? defaultSchedulerName);
    if (!profile || metadata?.deletionTimestamp !== undefined) return false;
    return !profile.gates || (spec?.schedulingGates ?? []).length === 0;
  }
}
