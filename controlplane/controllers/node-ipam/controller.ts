// Assigns spec.podCIDR to nodes. All nodes share one key: ranges are a joint resource, so one pass plans them together.
import { type Node, nodes } from '../../api/node';
import type { Cidr } from '../../base/cidr';
import { isInvalid, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { planPodCidrs } from './plan';

const allNodes = 'nodes';

export class NodeIpamController implements Controller {
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  /** Node name → range written but not yet seen in the copy. */
  private readonly reserved = new Map<string, string>();

  constructor(
    private readonly deps: Deps,
    private readonly options: { readonly clusterCidr: Cidr; readonly maskSize: number },
  ) {
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps.log, deps.clock);
    this.events = deps.recorder('cidrAllocator');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.nodes.onChange(({ type, key, object }) => {
      if (type === 'deleted' || object.spec?.podCIDR) this.reserved.delete(key);
      // A node that goes may free the range another one waits for.
      if (type === 'deleted' || !object.spec?.podCIDR) this.queue.add(allNodes);
    });
    await this.nodes.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: () => this.reconcile(signal) }, signal);
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const { clusterCidr, maskSize } = this.options;
    const { assign, exhausted } = planPodCidrs(this.nodes.list(), clusterCidr, maskSize, this.reserved);
    for (const name of exhausted) {
      const node = this.nodes.get(name);
      if (node) this.events.record(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
    }
    for (const { node, podCidr } of assign) {
      this.reserved.set(node, podCidr);
      try {
        await this.deps.client.patch(
          nodes,
          node,
          'merge',
          { spec: { podCIDR: podCidr, podCIDRs: [podCidr] } },
          { signal },
        );
      } catch (err) {
        this.reserved.delete(node);
        // Gone, or assigned by somebody else meanwhile (podCIDR never changes): the events tell.
        if (!isNotFound(err) && !isInvalid(err)) throw err;
      }
    }
  }
}
