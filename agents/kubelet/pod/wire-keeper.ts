// Keeps pods connected. After its start the kubelet completes the wire of every running sandbox, because the last kubelet may have ended
// between the start of the container and the end of its wiring. Later it repairs what other programs break.
import { hasCode, isNotFound } from '../../../controlplane/base/errors';
import { markReconcile } from '../../../controlplane/base/event-loop';
import { WorkQueue } from '../../../controlplane/client/work-queue';
import { isSandbox, podIpsOf, podOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { PodDeps } from './deps';

/** A stopping pod loses its veth before Docker reports it; wait this long before repairing. */
export const settleMs = 250;
/** Queue key for the bridge and all wires. */
const everything = '*';

export type WireKeeperDeps = Pick<PodDeps, 'network' | 'records' | 'runtime' | 'events' | 'clock' | 'log'>;

export class WireKeeper {
  private readonly queue: WorkQueue;

  constructor(private readonly deps: WireKeeperDeps) {
    const { clock, log } = deps;
    this.queue = new WorkQueue({
      onTake: markReconcile('pod-wires'),
      clock,
      backoff: { initialMs: 250, maxMs: 30_000 },
      onRetry: (key, error, delayMs) =>
        log.warn('pod network repair failed, will retry', { wire: key, error, retryMs: delayMs }),
    });
  }

  /** Checks the bridge and all wires once; run() repeats repairs that fail. */
  async restoreAll(): Promise<void> {
    try {
      await this.repair(everything);
    } catch (error) {
      this.deps.log.warn('pod network repair failed, will retry', { error });
      this.queue.add(everything);
    }
  }

  /** Repairs what the network reports as broken, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.deps.network.onDamage((ip) => this.queue.addAfter(ip ?? everything, settleMs));
    for await (const key of this.queue.keys(signal)) {
      await this.repair(key).then(
        () => this.queue.done(key),
        (err: unknown) => this.queue.done(key, err),
      );
    }
  }

  private async repair(key: string): Promise<void> {
    const { network, records, log } = this.deps;
    if (key === everything && (await network.repair()))
      log.warn('the bridge of the pods was damaged; the kubelet has repaired it');
    const sandboxes = records.all().filter((record) => isSandbox(record) && record.state === 'running');
    const concerned = sandboxes.filter((sandbox) => {
      const [ip] = podIpsOf(sandbox);
      return ip !== undefined && (key === everything || ip === key);
    });
    const results = await Promise.allSettled(concerned.map((sandbox) => this.repairWire(sandbox)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async repairWire(sandbox: ContainerRecord): Promise<void> {
    const { network, runtime, events, log } = this.deps;
    const ips = podIpsOf(sandbox);
    try {
      const pid = sandbox.pid ?? (await runtime.inspect(sandbox.id)).pid;
      if (pid === undefined) return;
      const fault = await network.attach({ pid, ips, interfaceName: 'eth0' });
      if (fault === undefined) return;
      const { name, namespace, uid } = podOf(sandbox);
      log.warn('a pod wire was broken; the kubelet has repaired it', {
        pod: `${namespace}/${name}`,
        ips: ips.join(','),
        fault,
      });
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid } };
      events.record(pod, 'Warning', 'NetworkRestored', `Network of the pod was damaged (${fault}) and is repaired`);
    } catch (err) {
      // The sandbox ended meanwhile, or its address is of an earlier range of this node: nothing to repair.
      if (!isNotFound(err) && !hasCode(err, 'BadRequest')) throw err;
    }
  }
}
