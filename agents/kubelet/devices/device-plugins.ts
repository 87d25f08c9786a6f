// Device plug-ins of this node: their registration, the devices that the Node announces, and the devices that containers get.
//   1. A resource whose plug-in is not there has no healthy devices; five minutes later it has none.
//   2. One pod at a time gets devices, so no device is given twice. A pod gets all that it asks for, or none.
//   3. A container keeps its devices over its restarts and those of the kubelet. Those of an init container that ends are used again by
//      the containers after it.
//   4. The registration socket is made again at each start: plug-ins watch the file, and register again.
import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod } from '../../../controlplane/api';
import { allContainers } from '../../../controlplane/api';
import { isSidecar } from '../../../controlplane/api/pods/facts';
import { isExtended } from '../../../controlplane/api/pods/resource-names';
import { unitValue } from '../../../controlplane/api/quantity';
import type { Clock } from '../../../controlplane/base/clock';
import { AppError, BadRequest } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { serveRpc } from '../grpc/serve';
import type { PluginHandler } from '../plugins/plugin-watcher';
import type { Container } from '../spec/container';
import { type Allocation, DeviceAllocations } from './allocations';
import { choiceFor, decide } from './choose';
import { type DeviceOptions, deviceOptions } from './container-options';
import { DevicePlugin } from './plugin';
import { pluginVersion, type RegisterRequest, registrationService } from './plugin-api';
import type { AllocatedResources, PodDevices } from './pod-devices';
import { type Amounts, DeviceResources } from './resources';

export interface DevicePluginsDeps {
  readonly rootDir: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  /** amounts() has other values. */
  readonly changed: () => void;
}

type Reusable = Map<string, readonly string[]>;

export class DevicePlugins implements PodDevices {
  private readonly folder: string;
  private readonly resources = new DeviceResources();
  private readonly plugins = new Map<string, DevicePlugin>();
  private readonly handlers: ((podUid: string) => void)[] = [];
  private allocations!: DeviceAllocations;
  private isActive: (podUid: string) => boolean = () => true;
  /** The last allocation: the next one waits for it. */
  private last: Promise<unknown> = Promise.resolve();
  private stopServing: (() => Promise<void>) | undefined;

  constructor(private readonly deps: DevicePluginsDeps) {
    this.folder = join(deps.rootDir, 'device-plugins');
  }

  /** Reads what earlier kubelets allocated, and serves the registration socket. */
  async open(): Promise<void> {
    const { log, clock } = this.deps;
    await mkdir(this.folder, { recursive: true, mode: 0o750 });
    const path = join(this.folder, 'kubelet_internal_checkpoint');
    const { allocations, registered } = await DeviceAllocations.open(path, log);
    this.allocations = allocations;
    for (const name of registered) this.resources.remember(name, clock.now());
    await removeSockets(this.folder);
    // Plug-ins that know plugins_registry read it there, and do not call Register.
    await writeFile(join(this.folder, 'DEPRECATION'), '');
    const answers = { Register: async (request: RegisterRequest) => this.register(request) };
    try {
      this.stopServing = await serveRpc(join(this.folder, 'kubelet.sock'), registrationService, answers, log);
    } catch (error) {
      log.warn('device plug-ins cannot register by Register', { folder: this.folder, error });
    }
  }

  async close(): Promise<void> {
    for (const plugin of this.plugins.values()) plugin.close();
    this.plugins.clear();
    await this.stopServing?.();
    await this.last;
  }

  /** For sockets in plugins_registry. */
  readonly registration: PluginHandler = {
    validate: ({ name, supportedVersions }) => {
      if (!supportedVersions.includes(pluginVersion)) {
        const versions = `[${supportedVersions.join(' ')}]`;
        throw new BadRequest(`manager version, ${pluginVersion}, is not among plugin supported versions ${versions}`);
      }
      if (isExtended(name)) return;
      throw new BadRequest(`invalid name of device plugin socket: the ResourceName ${JSON.stringify(name)} is invalid`);
    },
    register: ({ name, endpoint }) => this.connect(name, endpoint),
    deregister: async ({ name, endpoint }) => {
      const plugin = this.plugins.get(name);
      if (plugin?.socketPath !== endpoint) return;
      plugin.close();
      this.gone(plugin);
    },
  };

  private async register({ version, endpoint, resourceName }: RegisterRequest): Promise<object> {
    if (version !== pluginVersion) {
      const supported = `["${pluginVersion}"]`;
      throw new BadRequest(
        `requested API version ${JSON.stringify(version)} is not supported by kubelet. Supported version is ${supported}`,
      );
    }
    if (!isExtended(resourceName)) {
      throw new BadRequest(`the ResourceName ${JSON.stringify(resourceName)} is invalid`);
    }
    await this.connect(resourceName, join(this.folder, endpoint));
    return {};
  }

  private async connect(resource: string, socketPath: string): Promise<void> {
    const plugin = await DevicePlugin.connect(resource, socketPath);
    this.plugins.get(resource)?.close();
    this.plugins.set(resource, plugin);
    this.resources.started(resource);
    this.deps.log.info('device plug-in registered', { resource, socket: socketPath });
    plugin.watch({
      onDevices: (devices) => {
        if (this.plugins.get(resource) !== plugin) return;
        const altered = this.resources.update(resource, devices);
        for (const uid of this.allocations.podsWith(resource, altered)) this.notify(uid);
        this.deps.changed();
        this.saveLater();
      },
      onEnd: () => this.gone(plugin),
    });
  }

  private gone(plugin: DevicePlugin): void {
    const { resource } = plugin;
    if (this.plugins.get(resource) !== plugin) return;
    this.plugins.delete(resource);
    this.resources.stopped(resource, this.deps.clock.now());
    this.deps.log.info('device plug-in is gone', { resource });
    this.deps.changed();
  }

  /** What plug-ins announce, now. */
  amounts(): Amounts {
    return this.resources.amounts(this.deps.clock.now());
  }

  onChange(handler: (podUid: string) => void): void {
    this.handlers.push(handler);
  }

  countActive(isActive: (podUid: string) => boolean): void {
    this.isActive = isActive;
  }

  private notify(podUid: string): void {
    for (const handler of this.handlers) handler(podUid);
  }

  wants({ spec }: Pod): boolean {
    return allContainers(spec ?? {}).some((container) => this.wantedBy(container).length > 0);
  }

  /** The resources of a container that plug-ins serve, or served when the container got them. */
  private wantedBy({ resources }: Container): readonly (readonly [resource: string, count: number])[] {
    const now = this.deps.clock.now();
    return Object.entries(resources?.limits ?? {})
      .filter(([name]) => isExtended(name))
      .filter(([name]) => this.resources.healthyOf(name, now) || this.allocations.inUse().has(name))
      .map(([name, amount]) => [name, unitValue(amount)] as const);
  }

  async allocate(pod: Pod): Promise<void> {
    await this.oneAtATime(async () => {
      const reusable: Reusable = new Map();
      const { initContainers = [], containers = [] } = pod.spec ?? {};
      for (const container of [...initContainers, ...containers]) {
        await this.allocateContainer(pod, container, reusable);
        this.reuse(pod, container, reusable, initContainers.includes(container) && !isSidecar(container));
      }
    });
  }

  private oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => {});
    return done;
  }

  /** `ends`: what the container has is free for the containers after it. */
  private reuse(pod: Pod, container: Container, reusable: Reusable, ends: boolean): void {
    for (const [resource, { devices }] of this.allocations.get(uidOf(pod), container.name) ?? []) {
      const others = (reusable.get(resource) ?? []).filter((id) => !devices.includes(id));
      reusable.set(resource, ends ? [...others, ...devices] : others);
    }
  }

  private async allocateContainer(pod: Pod, container: Container, reusable: Reusable): Promise<void> {
    const podUid = uidOf(pod);
    let changed = false;
    for (const [resource, count] of this.wantedBy(container)) {
      this.releaseInactive();
      const choice = choiceFor(
        { resource, podUid, container: container.name, count },
        {
          healthy: this.resources.healthyOf(resource, this.deps.clock.now()),
          held: this.allocations.get(podUid, container.name)?.get(resource)?.devices,
          reusable: reusable.get(resource) ?? [],
          inUse: this.allocations.inUse().get(resource) ?? new Set(),
        },
      );
      if (!choice) continue;
      const plugin = this.plugins.get(resource);
      if (!plugin) throw new AppError('Unavailable', `endpoint ${resource} has been stopped`);
      const { taken, free, more } = choice;
      const preferred = more > 0 ? await plugin.preferred([...free, ...taken], taken, count) : [];
      const devices = decide(choice, preferred);
      const response = await plugin.allocate(devices);
      this.allocations.set(podUid, container.name, resource, { ...this.placed(resource, devices), response });
      changed = true;
    }
    if (changed) await this.save();
  }

  private placed(resource: string, devices: readonly string[]): Pick<Allocation, 'devices' | 'nodes'> {
    const nodes = devices.map((id) => [id, this.resources.nodesOf(resource, id)] as const);
    return { devices, nodes: Object.fromEntries(nodes.filter(([, of]) => of.length > 0)) };
  }

  private releaseInactive(): void {
    for (const uid of this.allocations.podUids()) if (!this.isActive(uid)) this.allocations.remove(uid);
  }

  covering(pod: Pod, node: Node): Node {
    if (!this.allocations.hasPod(uidOf(pod))) return node;
    const offered = node.status?.allocatable ?? {};
    const raised = [...this.allocations.inUse()].flatMap(([resource, { size }]) =>
      unitValue(offered[resource] ?? '0') >= size ? [] : [[resource, String(size)] as const],
    );
    return { ...node, status: { ...node.status, allocatable: { ...offered, ...Object.fromEntries(raised) } } };
  }

  optionsFor(pod: Pod, container: Container): Promise<DeviceOptions> | undefined {
    const wanted = this.wantedBy(container).filter(([, count]) => count > 0);
    return wanted.length === 0 ? undefined : this.prepare(pod, container, wanted);
  }

  private async prepare(
    pod: Pod,
    container: Container,
    wanted: ReturnType<DevicePlugins['wantedBy']>,
  ): Promise<DeviceOptions> {
    const held = () => this.allocations.get(uidOf(pod), container.name);
    // The pod was accepted before the plug-in registered, or the file was lost.
    if (wanted.some(([resource]) => !held()?.has(resource))) {
      await this.oneAtATime(() => this.allocateContainer(pod, container, new Map()));
    }
    for (const [resource] of wanted) await this.plugins.get(resource)?.preStart(held()?.get(resource)?.devices ?? []);
    return deviceOptions([...(held() ?? new Map<string, Allocation>()).values()].map(({ response }) => response));
  }

  healthOf(podUid: string, container: string): AllocatedResources | undefined {
    const held = this.allocations.get(podUid, container);
    if (!held) return undefined;
    return [...held]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { devices }]) => ({
        name,
        resources: [...devices].sort().map((resourceID) => ({
          resourceID,
          health: this.resources.isHealthy(name, resourceID) ? 'Healthy' : 'Unhealthy',
        })),
      }));
  }

  release(podUid: string): void {
    if (this.allocations.remove(podUid)) this.saveLater();
  }

  private save(): Promise<void> {
    return this.allocations.save(this.resources.registered(this.deps.clock.now()));
  }

  private saveLater(): void {
    this.save().catch((error: unknown) => {
      this.deps.log.warn('allocated devices are not stored; the next change tries again', { error });
    });
  }
}

const uidOf = ({ metadata }: Pod): string => metadata?.uid ?? '';

/** Sockets of plug-ins that registered with an earlier kubelet: without them the plug-ins notice that they must register again. */
async function removeSockets(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const entry = await lstat(path).catch(() => undefined);
    if (entry?.isSocket()) await rm(path, { force: true });
  }
}
