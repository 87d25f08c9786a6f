// Assigns spec.podCIDR and spec.podCIDRs to nodes. All nodes share one key: they share the ranges, so one pass plans for all of them.
import { type Node, nodes } from '../../api/node';
import { isInvalid, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { type PodRange, planPodCidrs } from './plan';

const allNodes = 'nodes';

export class NodeIpamController implements Controller {
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  /** Node name → ranges that are written but that the copy does not show yet. */
  private readonly reserved = new Map<string, readonly string[]>();

  constructor(
    private readonly deps: Deps,
    private readonly ranges: readonly PodRange[],
  ) {
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps);
    this.events = deps.recorder('cidrAllocator');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.nodes.onChange(({ type, key, object }) => {
      if (type === 'deleted' || object.spec?.podCIDR) this.reserved.delete(key);
      // A deleted node may free the range that another node waits for.
      if (type === 'deleted' || !object.spec?.podCIDR) this.queue.add(allNodes);
    });
    await this.nodes.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: () => this.reconcile(signal) }, signal);
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const { assign, exhausted } = planPodCidrs(this.nodes.list(), this.ranges, this.reserved);
    for (const name of exhausted) {
      const node = this.nodes.get(name);
      if (node) this.events.record(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
    }
    for (const { node, podCidrs } of assign) {
      this.reserved.set(node, podCidrs);
      try {
        const spec = { podCIDR: podCidrs[0], podCIDRs: podCidrs };
        // A later node of this name may have its ranges from another leader.
        const metadata = { uid: this.nodes.get(node)?.metadata?.uid };
        await this.deps.client.patch(nodes, node, 'merge', { metadata, spec }, { signal });
      } catch (err) {
        this.reserved.delete(node);
        // The node is deleted, or another process has assigned ranges (podCIDR never changes): its event leads to the next pass.
        if (!isNotFound(err) && !isInvalid(err)) throw err;
      }
    }
  }
}
