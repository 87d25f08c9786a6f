// Keeps the Node object and its Lease: created or brought up to date at start, status written on change and every five
// minutes, Lease renewed every ten seconds.
import { statfs } from 'node:fs/promises';
import { type Lease, leases, type Node, nodes } from '../../../controlplane/api';
import { type Clock, formatMicroTime } from '../../../controlplane/base/clock';
import { describeError, isAlreadyExists, isNotFound } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { ContainerRuntime, RuntimeInfo } from '../runtime/runtime';
import { availableMemoryBytes, type MachineFacts } from './facts';
import { type NodeInput, nodeLabels, nodeStatus } from './node-object';

const leaseSeconds = 40;
const renewMs = 10_000;
const checkMs = 10_000;
const reportMs = 300_000;
const retryMs = 1_000;
/** A heartbeat that takes longer than one period has missed its purpose: another connection may be faster (upstream: same). */
const heartbeatTimeoutMs = 10_000;

export interface NodeReporterDeps {
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: MachineFacts;
  readonly config: Pick<NodeInput, 'name' | 'ips' | 'labels' | 'kubeletPort' | 'kubeletVersion' | 'maxPods'> & {
    readonly rootDir: string;
  };
  /** Undefined when pods can run, else why not. */
  readonly notReady: () => string | undefined;
}

export class NodeReporter {
  private runtimeInfo: RuntimeInfo | undefined;
  private images: NodeInput['images'] = [];
  private node: Node | undefined;
  private written = '';
  private writtenAtMs = 0;
  private wake = Promise.withResolvers<void>();

  constructor(private readonly deps: NodeReporterDeps) {}

  /**
   * Creates the Node or takes over the existing one; retries until the API answers. The status of an existing Node stays until
   * run(): a kubelet that only restarts must not report its node unready, since its pods must stay in their Services.
   */
  async register(signal: AbortSignal): Promise<Node> {
    for (;;) {
      try {
        this.node = await this.createOrUpdate();
        return this.node;
      } catch (error) {
        this.deps.log.warn('node registration failed, will retry', { error });
        await this.deps.clock.sleep(retryMs, signal);
      }
    }
  }

  /** Readiness may have changed: report now rather than at the next check. */
  changed(): void {
    this.wake.resolve();
  }

  /**
   * Called with our Node as the API has it. When the node controller has set Ready to Unknown, the kubelet reports at once
   * and not at the usual time.
   */
  observe(node: Node): void {
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    if (node.metadata?.name !== this.deps.config.name || ready?.status !== 'Unknown') return;
    this.node = node;
    this.written = '';
    this.changed();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.renewLease(signal), this.reportStatus(signal)]);
  }

  private async createOrUpdate(): Promise<Node> {
    const { client, config } = this.deps;
    const input = await this.input();
    const labels = nodeLabels(input);
    try {
      const existing = await client.get(nodes, config.name);
      const missing = Object.entries(labels).some(([name, value]) => existing.metadata?.labels?.[name] !== value);
      return missing ? await client.patch(nodes, config.name, 'merge', { metadata: { labels } }) : existing;
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    const created = await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: config.name,
        labels,
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: {},
      status: nodeStatus(input, undefined),
    });
    // The status given at creation may be dropped by the server; writing it is harmless otherwise.
    await this.write(input, created);
    return created;
  }

  private async input(): Promise<NodeInput> {
    const { config, machine, runtime, clock } = this.deps;
    let notReady = this.deps.notReady();
    const disk = await statfs(config.rootDir);
    try {
      this.runtimeInfo ??= await runtime.info();
      this.images = await runtime.images();
    } catch (err) {
      // One that answered before may only be restarting: how long is too long is judged by who follows its events.
      if (!this.runtimeInfo) notReady ??= `container runtime is down: ${describeError(err)}`;
    }
    return {
      ...config,
      machine,
      runtime: this.runtimeInfo ?? {
        name: 'docker',
        version: 'unknown',
        operatingSystem: '',
        kernelVersion: '',
        rootDir: '',
      },
      images: this.images,
      diskBytes: disk.blocks * disk.bsize,
      freeDiskBytes: disk.bavail * disk.bsize,
      freeMemoryBytes: await availableMemoryBytes(),
      notReady,
      now: clock.now(),
    };
  }

  private async write(input: NodeInput, node: Node): Promise<void> {
    const { client, config, clock } = this.deps;
    const status = nodeStatus(input, node.status);
    // The list is merged by type, and a node of both families has two addresses of type InternalIP: so the patch replaces the list.
    const addresses = [{ $patch: 'replace' }, ...(status.addresses ?? [])];
    // Before the write: observe() may find meanwhile that somebody has written over it, and that must not be forgotten.
    this.written = fingerprint(status);
    try {
      this.node = await client.patch(
        nodes,
        config.name,
        'strategic',
        { status: { ...status, addresses } },
        { subresource: 'status', signal: AbortSignal.timeout(heartbeatTimeoutMs) },
      );
    } catch (err) {
      this.written = '';
      throw err;
    }
    this.writtenAtMs = clock.now();
  }

  private async reportStatus(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      try {
        const input = await this.input();
        const changed = fingerprint(nodeStatus(input, this.node?.status)) !== this.written;
        if (changed || clock.now() - this.writtenAtMs >= reportMs) {
          await this.write(input, this.node ?? (await this.createOrUpdate()));
        }
      } catch (error) {
        // The Node was deleted: a running kubelet creates it again.
        if (isNotFound(error)) await this.register(signal);
        else log.warn('node status write failed, will retry', { error });
      }
      await Promise.race([clock.sleep(checkMs, signal).catch(() => {}), this.wake.promise]);
      this.wake = Promise.withResolvers<void>();
    }
  }

  private async renewLease(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      try {
        await this.renewOnce();
      } catch (error) {
        log.warn('node lease renewal failed, will retry', { error });
        await clock.sleep(retryMs, signal).catch(() => {});
        continue;
      }
      await clock.sleep(renewMs, signal).catch(() => {});
    }
  }

  private async renewOnce(): Promise<void> {
    const { client, config, clock } = this.deps;
    const spec = {
      holderIdentity: config.name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: formatMicroTime(clock.now()),
    };
    const key = `kube-node-lease/${config.name}`;
    try {
      await client.patch(leases, key, 'merge', { spec }, { signal: AbortSignal.timeout(heartbeatTimeoutMs) });
    } catch (err) {
      if (!isNotFound(err)) throw err;
      const owner = this.node?.metadata?.uid;
      const lease: Lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: config.name,
          namespace: 'kube-node-lease',
          ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: config.name, uid: owner }] } : {}),
        },
        spec,
      };
      await client.create(leases, lease).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
  }
}

/** What of a status is worth writing at once: all but the heartbeat times. */
const fingerprint = (status: NonNullable<Node['status']>): string =>
  JSON.stringify({ ...status, conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest) });
