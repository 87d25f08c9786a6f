// Keeps the Node object and its Lease: creates or updates the Node at start, writes its status on a change and every five
// minutes, renews the Lease every ten seconds.
import { statfs } from 'node:fs/promises';
import { type Lease, leases, type Node, nodes } from '../../../controlplane/api';
import { type Clock, formatMicroTime } from '../../../controlplane/base/clock';
import { describeError, isAlreadyExists, isNotFound } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { PressureCondition } from '../eviction/signals';
import type { NodeEvent } from '../part';
import type { ContainerRuntime, RuntimeInfo } from '../runtime/runtime';
import type { VolumesInUse } from '../volumes/csi/volumes-in-use';
import { statusEvents } from './events';
import type { MachineFacts } from './facts';
import { type NodeInput, nodeAnnotations, nodeLabels, nodeStatus } from './node-object';

const leaseSeconds = 40;
const renewMs = 10_000;
const checkMs = 10_000;
const reportMs = 300_000;
const retryMs = 1_000;
/** After one period a heartbeat is abandoned, because another connection may be faster. As upstream. */
const heartbeatTimeoutMs = 10_000;

export interface NodeReporterDeps {
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: MachineFacts;
  readonly config: Pick<
    NodeInput,
    'name' | 'ips' | 'labels' | 'kubeletPort' | 'kubeletVersion' | 'maxPods' | 'policy'
  > & {
    readonly rootDir: string;
  };
  /** Attachable volumes; it learns what the API has taken. */
  readonly volumesInUse?: Pick<VolumesInUse, 'list' | 'reported'>;
  /** What device plug-ins announce. */
  readonly devices?: () => NonNullable<NodeInput['devices']>;
  /** Why pods cannot run; undefined when they can. */
  readonly notReady: () => string | undefined;
  /** What the node runs short of. */
  readonly pressures: () => readonly PressureCondition[];
  /** The kernel's table of connections of the node. */
  readonly connections?: () => Promise<NodeInput['connections']>;
  /** Reports an Event of the node. */
  readonly report: NodeEvent;
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
   * Creates the Node or updates the existing one; retries until the API answers. The status of an existing Node stays until
   * run(): a restarting kubelet must not report its node as not ready, because its pods must stay in their Services.
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

  /** Readiness may have changed: reports now and not at the next check. */
  changed(): void {
    this.wake.resolve();
  }

  /**
   * Called with our Node from the API. When the node controller has set Ready to Unknown, the kubelet reports at once and not
   * at the usual time. Capacity that another client has added becomes allocatable with the next report.
   */
  observe(node: Node): void {
    if (node.metadata?.name !== this.deps.config.name) return;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    if (isNewer(node, this.node)) this.node = node;
    if (ready?.status !== 'Unknown') return;
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
    const annotations = nodeAnnotations(config.rootDir);
    try {
      const existing = await client.get(nodes, config.name);
      const isThere =
        includes(existing.metadata?.labels, labels) && includes(existing.metadata?.annotations, annotations);
      return isThere
        ? existing
        : await client.patch(nodes, config.name, 'merge', { metadata: { labels, annotations } });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    const created = await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: config.name,
        labels,
        annotations,
      },
      spec: {},
      status: nodeStatus(input, undefined),
    });
    // The server may have dropped the status of the create request. If not, this write does no harm.
    await this.write(input, created, true);
    return created;
  }

  private async input(): Promise<NodeInput> {
    const { config, machine, runtime, clock, volumesInUse, devices } = this.deps;
    let notReady = this.deps.notReady();
    const disk = await statfs(config.rootDir);
    const connections = await this.deps.connections?.();
    try {
      this.runtimeInfo ??= await runtime.info();
      this.images = await runtime.images();
    } catch (err) {
      // A runtime that answered before may only be restarting. PodSet follows its events and reports a long outage.
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
        cgroupDriver: '',
      },
      images: this.images,
      diskBytes: disk.blocks * disk.bsize,
      pressures: this.deps.pressures(),
      ...(connections ? { connections } : {}),
      ...(volumesInUse ? { volumesInUse: volumesInUse.list() } : {}),
      ...(devices ? { devices: devices() } : {}),
      notReady,
      now: clock.now(),
    };
  }

  private async write(input: NodeInput, node: Node, isNew = false): Promise<void> {
    const { client, config, clock } = this.deps;
    const before = isNew ? undefined : node.status;
    const status = nodeStatus(input, node.status);
    // The server merges this list by type, and a dual-stack node has two addresses of type InternalIP. So the patch replaces the list.
    const addresses = [{ $patch: 'replace' }, ...(status.addresses ?? [])];
    // Before the write, because observe() may reset it meanwhile after another client's write.
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
    for (const event of statusEvents(config.name, status, before)) this.deps.report(...event);
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
        this.deps.volumesInUse?.reported(input.volumesInUse ?? []);
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

/** Of two versions of our Node. Another uid is another object: the old one was deleted. */
const isNewer = (node: Node, than: Node | undefined): boolean =>
  than?.metadata?.uid !== node.metadata?.uid ||
  BigInt(node.metadata?.resourceVersion ?? 0) > BigInt(than?.metadata?.resourceVersion ?? 0);

const includes = (have: Record<string, string> = {}, desired: Record<string, string>): boolean =>
  Object.entries(desired).every(([name, value]) => have[name] === value);

/** The fields whose change is written at once: all except the heartbeat times. */
const fingerprint = (status: NonNullable<Node['status']>): string =>
  JSON.stringify({ ...status, conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest) });
