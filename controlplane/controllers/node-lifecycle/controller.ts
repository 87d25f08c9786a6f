// Watches nodes: a node whose kubelet is silent becomes Unknown and is tainted. Its pods are marked not ready and are evicted when
// their tolerations end.
import { conditionOf } from '../../api/conditions';
import { type Lease, leases } from '../../api/lease';
import { type Node, nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { markDisrupted } from '../shared/disruption';
import { isDeleting, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { evictionTime, graceMs, healthOf, planNotReady, planSilence, planTaints } from './plan';

const leaseNamespace = 'kube-node-lease';
const workers = 4;
const eviction = {
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
} as const;

export class NodeLifecycleController implements Controller {
  private readonly nodes: TrackedInformer<Node>;
  private readonly leases: TrackedInformer<Lease>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly nodeQueue: WorkQueue;
  private readonly podQueue: WorkQueue;
  private readonly events: EventRecorder;
  private readonly evictions: EventRecorder;
  /** Pods that wait for the end of their tolerations: since when, and until when. */
  private readonly waiting = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>();
  /** When each kubelet last reported, by the clock of this process: the clocks of nodes may differ. */
  private readonly heardMs = new Map<string, number>();
  private readonly podsByNode = new Map<string, Set<string>>();

  constructor(private readonly deps: Deps) {
    this.nodes = deps.informers.of(nodes);
    this.leases = deps.informers.of(leases);
    this.pods = deps.informers.of(pods);
    this.nodeQueue = controllerQueue(deps);
    this.podQueue = controllerQueue(deps);
    this.events = deps.recorder('node-controller');
    // A controller of its own at upstream.
    this.evictions = deps.recorder('taint-eviction-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.nodes, this.leases, this.pods].map((informer) => informer.synced(signal)));
    // Subscribed after the first lists: every listed node counts as heard now, so that a restart makes no node Unknown.
    this.leases.onChange(({ type, object }) => {
      if (object.metadata?.namespace === leaseNamespace && type !== 'deleted') this.heard(object.metadata.name ?? '');
    });
    this.pods.onChange((change) => this.onPod(change));
    this.nodes.onChange((change) => this.onNode(change));
    await Promise.all([
      runWorkers({ queue: this.nodeQueue, workers, reconcile: (key) => this.reconcileNode(key, signal) }, signal),
      runWorkers({ queue: this.podQueue, workers, reconcile: (key) => this.reconcilePod(key, signal) }, signal),
    ]);
  }

  async reconcileNode(name: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.deps;
    const node = this.nodes.get(name);
    if (!node) return;
    const now = clock.now();
    const elapsed = clock.elapsed();
    const silentMs = elapsed - (this.heardMs.get(name) ?? elapsed);
    if (silentMs >= graceMs) {
      const conditions = planSilence(node, now);
      if (conditions) {
        this.events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
        await client.update(
          nodes,
          { ...node, status: { ...node.status, conditions } },
          { subresource: 'status', signal },
        );
        return;
      }
    } else this.nodeQueue.addAfter(name, graceMs - silentMs);
    const taints = planTaints(node, this.mayEvict(), now);
    if (taints) {
      const { uid, resourceVersion } = metaOf(node);
      await client.patch(nodes, name, 'merge', { metadata: { uid, resourceVersion }, spec: { taints } }, { signal });
      return;
    }
    // A kubelet that reports that its node is not ready reports its pods too.
    if (healthOf(node) === 'unknown') await this.markPodsNotReady(name, signal);
  }

  async reconcilePod(key: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.deps;
    const pod = this.pods.get(key);
    const node = pod?.spec?.nodeName ? this.nodes.get(pod.spec.nodeName) : undefined;
    if (!pod || !node) return;
    const now = clock.now();
    const sinceMs = this.waiting.get(key)?.sinceMs ?? now;
    const at = evictionTime(pod, node.spec?.taints ?? [], now, sinceMs);
    if (at === undefined) {
      if (!isDeleting(pod)) this.cancel(pod);
      return;
    }
    if (at > now) {
      this.waiting.set(key, { sinceMs, untilMs: at });
      this.podQueue.addAfter(key, at - now);
      return;
    }
    // Another taint ends the wait early: upstream reports that it cancels one deletion for the other.
    if ((this.waiting.get(key)?.untilMs ?? 0) > now) this.cancel(pod);
    this.waiting.delete(key);
    this.evictions.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    await markDisrupted(client, pod, eviction, now, signal);
    await client.delete(pods, key, { preconditions: { uid: metaOf(pod).uid }, signal }).catch((err: unknown) => {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    });
  }

  /** As upstream, also when a pod ends in another way while it waits. */
  private cancel(pod: Pod): void {
    const key = objectKey(pod);
    if (!this.waiting.delete(key)) return;
    this.evictions.record(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
  }

  private heard(name: string): void {
    this.heardMs.set(name, this.deps.clock.elapsed());
  }

  private onNode(change: Change<Node>): void {
    const { key, object } = change;
    if (change.type === 'deleted') {
      this.heardMs.delete(key);
      this.events.record(object, 'Normal', 'RemovingNode', `Node ${key} event: Removing Node ${key} from Controller`);
      for (const other of this.nodes.list()) this.nodeQueue.add(objectKey(other));
      return;
    }
    const before = change.type === 'updated' ? change.previous : undefined;
    // As upstream, of every node once more when another process leads.
    if (!before)
      this.events.record(object, 'Normal', 'RegisteredNode', `Node ${key} event: Registered Node ${key} in Controller`);
    if (!before || heartbeatOf(before) !== heartbeatOf(object)) this.heard(key);
    this.nodeQueue.add(key);
    // Whether pods may be evicted depends on all nodes.
    if (!before || healthOf(before) !== healthOf(object)) {
      for (const other of this.nodes.list()) this.nodeQueue.add(objectKey(other));
    }
    const tainted = (node: Node | undefined) =>
      JSON.stringify((node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute'));
    if (tainted(before) !== tainted(object)) for (const pod of this.podsByNode.get(key) ?? []) this.podQueue.add(pod);
  }

  private onPod(change: Change<Pod>): void {
    const { key, object, type } = change;
    const node = object.spec?.nodeName;
    if (!node) return;
    const keys = this.podsByNode.get(node) ?? new Set();
    if (type === 'deleted') {
      keys.delete(key);
      this.cancel(object);
    } else keys.add(key);
    this.podsByNode.set(node, keys);
    if (keys.size === 0) this.podsByNode.delete(node);
    const known = this.nodes.get(node);
    const added = type === 'added' || (type === 'updated' && !change.previous.spec?.nodeName);
    if (added && known?.spec?.taints?.some(({ effect }) => effect === 'NoExecute')) this.podQueue.add(key);
  }

  private mayEvict(): boolean {
    return this.nodes.list().some((node) => healthOf(node) === 'ready');
  }

  private async markPodsNotReady(node: string, signal: AbortSignal): Promise<void> {
    for (const key of this.podsByNode.get(node) ?? []) {
      const pod = this.pods.get(key);
      const condition = pod && planNotReady(pod, this.deps.clock.now());
      if (!condition) continue;
      const patch = { metadata: { uid: metaOf(pod).uid }, status: { conditions: [condition] } };
      await this.deps.client
        .patch(pods, key, 'strategic', patch, { subresource: 'status', signal })
        .catch((err: unknown) => {
          if (!isNotFound(err) && !isConflict(err)) throw err;
        });
      this.events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  }
}

/** The fields that change each time the kubelet writes its status. */
const heartbeatOf = (node: Node): string => conditionOf(node, 'Ready')?.lastHeartbeatTime ?? '';
