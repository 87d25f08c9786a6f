// Puts the kubelet together and runs it: node registration, pod network, pods, server.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Node, nodes, type Pod, pods, type Service, services } from '../../controlplane/api';
import type { Clock } from '../../controlplane/base/clock';
import { Conflict } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { Client } from '../../controlplane/client/client';
import { createEventRecorder, type EventRecorder } from '../../controlplane/client/event-recorder';
import { createInformer, type Informer } from '../../controlplane/client/informer';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { connectionTable } from '../../dataplane/hops/settings';
import type { Mounts } from '../../dataplane/mount/mounts';
import { RemoteFileSystems } from '../../dataplane/mount/remote';
import { NodePodGroups } from './cgroups/open';
import type { PodsLimit } from './cgroups/pod-cgroups';
import { DevicePlugins } from './devices/device-plugins';
import { pluginType } from './devices/plugin-api';
import { type EvictionPart, openEviction } from './eviction/open';
import { PullRecords } from './images/pull-records';
import type { PodNetwork } from './network/pod-network';
import { podCidrsOf } from './network/translate';
import type { MachineFacts } from './node/facts';
import { NodeReporter } from './node/node-reporter';
import { NodeShutdown } from './node/node-shutdown';
import type { NodePolicy } from './node/policy';
import type { ShutdownPeriod } from './node/shutdown-plan';
import type { NodeEvent, Part } from './part';
import { PodAllocations } from './pod/allocations';
import type { NodeConfig } from './pod/deps';
import { openPods, type PodsPart } from './pod/open';
import { PodRecords } from './pod/pod-records';
import { ProbeMetrics } from './probes/probe-metrics';
import type { ContainerRuntime } from './runtime/runtime';
import type { PodSample, VolumeUse } from './stats/node-sample';
import { CsiPart } from './volumes/csi/csi-part';

export interface KubeletConfig extends NodeConfig {
  readonly labels: Readonly<Record<string, string>>;
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  readonly maxPods: number;
  readonly policy: NodePolicy;
  /** The cgroup below which those of the pods are; undefined: pods have none. */
  readonly cgroupRoot: string | undefined;
  /** What all pods together may use. */
  readonly podsLimit: PodsLimit;
  /** Containers that start at the same time. */
  readonly parallelStarts: number;
  /** Time for containers to end when the machine goes down, in seconds. 0: the kubelet does not end them. */
  readonly shutdownGraceSeconds: number;
  /** Instead of that the pods are failed, with these times for each priority. Empty: they are not. */
  readonly shutdownPeriods: readonly ShutdownPeriod[];
}

export interface KubeletDeps {
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly mounts: Mounts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: MachineFacts;
  readonly config: KubeletConfig;
  /** What the pods use now. */
  readonly samples: () => Promise<readonly PodSample[]>;
  /** Whether this process ends because the machine goes down. */
  readonly machineStops: () => Promise<boolean>;
  /** Keeps the routes to the other nodes; called once the network is open. */
  readonly runRoutes?: (nodes: Informer<Node>, signal: AbortSignal) => Promise<void>;
}

/** A kubelet at work. */
interface Running {
  readonly scope: Scope;
  readonly signal: AbortSignal;
  /** A task that fails ends the kubelet. */
  readonly start: (task: Promise<void>) => void;
}

interface NodeParts {
  readonly nodes: Informer<Node>;
  readonly services: Informer<Service>;
  readonly events: EventRecorder;
  /** An Event of the node. */
  readonly report: NodeEvent;
  readonly ownNode: () => Node | undefined;
  readonly remote: RemoteFileSystems;
  readonly devices: DevicePlugins;
  readonly csi: CsiPart;
  readonly shutdown: NodeShutdown;
  readonly reporter: NodeReporter;
}

interface Evicting {
  readonly groups: NodePodGroups;
  readonly podsPart: PodsPart;
}

export class Kubelet implements Part {
  readonly pods: Informer<Pod>;
  readonly records: PodRecords;
  readonly probeMetrics = new ProbeMetrics();
  private networkProblem: string | undefined = 'pod network is not ready: waiting for the podCIDR of this node';
  private podsPart: PodsPart | undefined;
  private eviction: EvictionPart | undefined;
  private shutdown: NodeShutdown | undefined;

  constructor(private readonly deps: KubeletDeps) {
    const { client, log, config, runtime } = deps;
    const params = { fieldSelector: `spec.nodeName=${config.nodeName}` };
    this.pods = createInformer(client, pods, { params, log: log.child('pods') });
    this.records = new PodRecords(runtime);
  }

  /** What the volumes of a pod use; nothing before the node accepts pods. */
  async volumeUsage(podUid: string, which?: 'claims'): Promise<readonly VolumeUse[]> {
    return this.podsPart?.volumeUsage(podUid, which) ?? [];
  }

  /** Lines of /metrics about the volumes of the pods. */
  renderVolumeCounts(): readonly string[] {
    return this.podsPart?.renderVolumeCounts() ?? [];
  }

  /** The fault of this process or of Docker, even before the node accepts pods. */
  problem(): string | undefined {
    return this.podsPart?.problem();
  }

  /** Of the last graceful shutdown; undefined when this kubelet makes none. */
  shutdownTimes(): NodeShutdown['lastTimes'] | undefined {
    return this.shutdown?.isConfigured ? this.shutdown.lastTimes : undefined;
  }

  /** Runs until the signal is aborted. Containers keep running, unless the machine goes down. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const end = async () => {
      await this.shutDown().catch((error: unknown) => this.deps.log.warn('pods were not ended', { error }));
      stop.abort(signal.reason);
    };
    if (signal.aborted) stop.abort(signal.reason);
    else signal.addEventListener('abort', () => void end(), { once: true });
    await this.work(stop.signal);
  }

  /** While everything still works: a pod's end needs probes, hooks, volumes and the API. */
  private async shutDown(): Promise<void> {
    const { shutdown, podsPart } = this;
    if (!shutdown?.isConfigured || !podsPart || !(await this.deps.machineStops())) return;
    await shutdown.run({
      holding: () => podsPart.holdingPods(),
      endForGood: (podUid, end) => podsPart.endForGood(podUid, end),
    });
  }

  private async work(outer: AbortSignal): Promise<void> {
    const scope = new Scope();
    // When one part ends with an error, the others must not go on without it.
    const failed = new AbortController();
    const signal = AbortSignal.any([outer, failed.signal]);
    const tasks: Promise<void>[] = [];
    const running: Running = { scope, signal, start: (task) => void tasks.push(task) };
    const parts = await this.nodeParts();
    try {
      for (const informer of [parts.nodes, parts.services, this.pods]) running.start(informer.run(signal));
      const registered = await this.register(parts, running);
      await this.openNetwork(parts, registered, running);
      // A volume may be for certain nodes: this needs the labels of our own.
      await Promise.all([parts.services.synced(signal), parts.nodes.synced(signal)]);
      const groups = this.podGroups();
      const podsPart = await this.openPods(parts, groups, running);
      await this.startEviction(parts, { groups, podsPart }, running);
      await Promise.all(tasks);
    } finally {
      failed.abort();
      await scope.close();
    }
  }

  /** The parts that a node has before it accepts pods. Only the shutdown reads its file; nothing runs yet. */
  private async nodeParts(): Promise<NodeParts> {
    const { client, runtime, clock, log, config, machine, mounts } = this.deps;
    const { nodeName, rootDir } = config;
    await mkdir(rootDir, { recursive: true, mode: 0o750 });
    // Before anything is mounted there: CSI drivers mount below it from their containers.
    await mounts
      .ensureShared(rootDir)
      .catch((error: unknown) => log.warn('mounts of CSI drivers will not be seen until the next boot', { error }));
    const allNodes = createInformer(client, nodes, { log: log.child('nodes') });
    const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log: log.child('events') });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } };
    const report: NodeEvent = (type, reason, message) => events.record(node, type, reason, message);
    report('Normal', 'Starting', 'Starting kubelet.');
    const changed = () => reporter.changed();
    const ownNode = () => allNodes.get(nodeName);
    const remote = new RemoteFileSystems({ exec: new SystemExec(), clock, table: () => mounts.table() });
    const ensureAnswers = (path: string) => remote.ensureAnswers(path);
    const devices = new DevicePlugins({ rootDir, clock, log: log.child('devices'), changed });
    const csi = new CsiPart({
      ...{ client, clock, log: log.child('csi'), events, ...config, ownNode, ensureAnswers },
      otherPlugins: { [pluginType]: devices.registration },
    });
    const periods = config.shutdownPeriods;
    const shutdown = new NodeShutdown({ periods, rootDir, clock, log: log.child('shutdown'), report, changed });
    this.shutdown = shutdown;
    await shutdown.open();
    const reporter: NodeReporter = new NodeReporter({
      client,
      runtime,
      clock,
      log: log.child('node'),
      machine,
      config: { ...config, name: nodeName, ips: config.nodeIps },
      volumesInUse: csi.inUse,
      devices: () => devices.amounts(),
      notReady: () => this.problem() ?? this.networkProblem ?? shutdown.notReady(),
      pressures: () => this.eviction?.conditions() ?? [],
      connections: () => connectionTable(),
      report,
    });
    const allServices = createInformer(client, services, { log: log.child('services') });
    return {
      nodes: allNodes,
      services: allServices,
      events,
      report,
      ownNode,
      remote,
      devices,
      csi,
      shutdown,
      reporter,
    };
  }

  /** Opens the sockets of plug-ins and registers the node. Resolves with the Node. */
  private async register({ nodes, devices, csi, reporter }: NodeParts, { scope, signal }: Running): Promise<Node> {
    csi.inUse.onChange(() => reporter.changed());
    await devices.open();
    scope.defer(() => devices.close());
    await csi.open();
    scope.defer(() => csi.close());
    const registered = await reporter.register(signal);
    nodes.onChange(({ type, object }) => {
      if (type !== 'deleted') reporter.observe(object);
      if (object.metadata?.name === this.deps.config.nodeName) csi.nodeChanged();
    });
    return registered;
  }

  private async openNetwork({ nodes, reporter }: NodeParts, registered: Node, { scope, signal, start }: Running) {
    const { network, log, runRoutes } = this.deps;
    // A node that has its range already was ready before, and is ready again soon. So it reports only after its network is open.
    const known = podCidrsOf(registered);
    const isNew = known.length === 0;
    if (isNew) start(reporter.run(signal));
    const podCidrs = isNew ? await this.podCidrs(nodes, signal) : known;
    await network.open(podCidrs);
    scope.defer(() => network.close());
    log.info('pod network is open', { podCidrs: podCidrs.join(',') });
    this.networkProblem = undefined;
    if (isNew) reporter.changed();
    else start(reporter.run(signal));
    if (runRoutes) start(runRoutes(nodes, signal));
    start(this.keepsRange(nodes, podCidrs, signal));
  }

  private podGroups(): NodePodGroups {
    const { runtime, clock, log, config } = this.deps;
    return new NodePodGroups({
      runtime,
      cgroupRoot: config.cgroupRoot,
      podPidsLimit: config.policy.podPidsLimit,
      limit: config.podsLimit,
      exec: new SystemExec(),
      clock,
      log: log.child('cgroups'),
    });
  }

  private async openPods(parts: NodeParts, groups: NodePodGroups, { scope, signal, start }: Running) {
    const { client, runtime, network, clock, log, config, mounts } = this.deps;
    const { services, events, ownNode, remote, devices, csi, shutdown, reporter } = parts;
    const podsPart = openPods({
      client,
      runtime,
      records: this.records,
      network,
      mounts,
      remote,
      cgroups: groups,
      devices,
      pressure: (pod) => shutdown.refusal() ?? this.eviction?.refusal(pod),
      // The name that upstream's kubelet gives to its file.
      allocations: await PodAllocations.open(join(config.rootDir, 'allocated_pods_state'), log.child('allocations')),
      pulls: await PullRecords.open(join(config.rootDir, 'image_pulls_state'), log.child('images')),
      events,
      clock,
      log,
      node: config,
      services: () => services.list(),
      pods: this.pods,
      ownNode,
      csi: csi.volumes,
      parallelStarts: config.parallelStarts,
      probeMetrics: this.probeMetrics,
      changed: () => reporter.changed(),
    });
    this.podsPart = podsPart;
    scope.defer(() => podsPart.close());
    scope.defer(() => this.goDown(podsPart, signal));
    start(csi.run(signal));
    start(podsPart.run(signal));
    return podsPart;
  }

  private async startEviction({ report, reporter }: NodeParts, of: Evicting, { signal, start }: Running) {
    const { runtime, clock, log, config, machine, samples } = this.deps;
    this.eviction = await openEviction({
      runtime,
      records: this.records,
      groups: of.groups,
      samples,
      policy: config.policy,
      memoryBytes: machine.memoryBytes,
      pauseImage: config.pauseImage,
      rootDir: config.rootDir,
      pods: () => this.pods.list(),
      podSet: () => of.podsPart,
      clock,
      log,
      report,
      changed: () => reporter.changed(),
    });
    start(this.eviction.run(signal));
  }

  /**
   * With live-restore Docker leaves containers running when it stops. One that ignores SIGTERM then delays the machine's last step
   * for a minute and a half. A kubelet that only restarts lets the containers run.
   */
  private async goDown(podsPart: PodsPart, signal: AbortSignal): Promise<void> {
    const { config, log, machineStops } = this.deps;
    // Pods that did not end in their time.
    if (this.shutdown?.underWay) return podsPart.endContainers(1);
    if (!signal.aborted || config.shutdownGraceSeconds === 0 || !(await machineStops())) return;
    log.info('the machine goes down; the kubelet ends its containers', { graceSeconds: config.shutdownGraceSeconds });
    await podsPart.endContainers(config.shutdownGraceSeconds);
  }

  /**
   * Resolves at the end. @throws Conflict when the Node has another range now: it was deleted and made again, or came from a backup. The
   * process ends with it, and its next start moves the pods to the new range.
   */
  private keepsRange(informer: Informer<Node>, podCidrs: readonly string[], signal: AbortSignal): Promise<void> {
    const before = podCidrs.join(',');
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      informer.onChange(({ type, object }) => {
        if (type === 'deleted' || object.metadata?.name !== this.deps.config.nodeName) return;
        const now = podCidrsOf(object).join(',');
        if (now === '' || now === before) return;
        reject(
          new Conflict(`the pod range of this node is ${now} now, and was ${before}: the kubelet must start again`),
        );
      });
    });
  }

  private podCidrs(informer: Informer<Node>, signal: AbortSignal): Promise<readonly string[]> {
    const { nodeName } = this.deps.config;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      informer.onChange(({ type, object }) => {
        const podCidrs = type === 'deleted' || object.metadata?.name !== nodeName ? [] : podCidrsOf(object);
        if (podCidrs.length > 0) resolve(podCidrs);
      });
    });
  }
}
