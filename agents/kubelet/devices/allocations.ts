// Which container has which devices, kept in the file kubelet_internal_checkpoint, in upstream's form: other programs of device plug-ins
// read it. A label of the container would not do: a pod has its devices before it has a container, and its next container gets the same.
import { AppError, describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { decodeMessage, encodeMessage, typesOf } from '../../../controlplane/grpc/messages';
import { writePrivate } from '../../../controlplane/pki/files';
import { readState } from '../state-file';
import { type ContainerResponse, pluginService } from './plugin-api';

/** The devices of one resource that one container has. */
export interface Allocation {
  readonly devices: readonly string[];
  /** Device → NUMA nodes; absent where a device has none. */
  readonly nodes: Readonly<Record<string, readonly number[]>>;
  readonly response: ContainerResponse;
}

type ByResource = Map<string, Allocation>;

/** Fields as upstream writes them. */
interface Stored {
  readonly Data: {
    readonly PodDeviceEntries:
      | readonly {
          readonly PodUID: string;
          readonly ContainerName: string;
          readonly ResourceName: string;
          /** NUMA node → devices; -1: none. */
          readonly DeviceIDs: Readonly<Record<string, readonly string[]>>;
          /** A ContainerAllocateResponse of protobuf, in base64. */
          readonly AllocResp: string;
        }[]
      | null;
    /** Resource → its healthy devices. */
    readonly RegisteredDevices: Readonly<Record<string, readonly string[]>>;
  };
  readonly Checksum: number;
}

const noNode = '-1';

export class DeviceAllocations {
  private readonly pods = new Map<string, Map<string, ByResource>>();
  private written = '';
  private writing: Promise<void> = Promise.resolve();

  private constructor(private readonly path: string) {}

  /** With the names of the resources that were registered. A file that is missing or damaged counts as empty. */
  static async open(
    path: string,
    log: Logger,
  ): Promise<{ readonly allocations: DeviceAllocations; readonly registered: readonly string[] }> {
    const found = await readState({ path, log, effect: 'no device counts as allocated' }, async (text) => {
      const { Data: data } = JSON.parse(text) as Stored;
      const allocations = new DeviceAllocations(path);
      const entries = data.PodDeviceEntries ?? [];
      // Only then the gRPC library is needed.
      const types = entries.length > 0 ? await typesOf(pluginService) : undefined;
      for (const { PodUID, ContainerName, ResourceName, DeviceIDs, AllocResp } of entries) {
        const bytes = Buffer.from(AllocResp, 'base64');
        const response = decodeMessage(types!, 'ContainerAllocateResponse', bytes) as unknown as ContainerResponse;
        allocations.set(PodUID, ContainerName, ResourceName, { ...parseDevices(DeviceIDs), response });
      }
      return { allocations, registered: Object.keys(data.RegisteredDevices ?? {}) };
    });
    return found ?? { allocations: new DeviceAllocations(path), registered: [] };
  }

  get(podUid: string, container: string): ReadonlyMap<string, Allocation> | undefined {
    return this.pods.get(podUid)?.get(container);
  }

  set(podUid: string, container: string, resource: string, allocation: Allocation): void {
    const containers = this.pods.get(podUid) ?? new Map<string, ByResource>();
    const resources = containers.get(container) ?? new Map<string, Allocation>();
    resources.set(resource, allocation);
    this.pods.set(podUid, containers.set(container, resources));
  }

  hasPod(podUid: string): boolean {
    return this.pods.has(podUid);
  }

  podUids(): readonly string[] {
    return [...this.pods.keys()];
  }

  /** True when the pod had devices. */
  remove(podUid: string): boolean {
    return this.pods.delete(podUid);
  }

  /** Resource → its devices that containers have. */
  inUse(): ReadonlyMap<string, ReadonlySet<string>> {
    const found = new Map<string, Set<string>>();
    for (const { resource, allocation } of this.all()) {
      const devices = found.get(resource) ?? new Set();
      for (const id of allocation.devices) devices.add(id);
      found.set(resource, devices);
    }
    return found;
  }

  /** Pods that have one of these devices. */
  podsWith(resource: string, devices: ReadonlySet<string>): readonly string[] {
    const found = [...this.all()].filter(
      (one) => one.resource === resource && one.allocation.devices.some((id) => devices.has(id)),
    );
    return [...new Set(found.map(({ podUid }) => podUid))];
  }

  /** Resolves when the file has this state. Nothing is written when nothing has changed. @throws Internal with upstream's words */
  save(registered: Readonly<Record<string, readonly string[]>>): Promise<void> {
    this.writing = this.writing.catch(() => {}).then(() => this.write(registered));
    return this.writing;
  }

  private async write(registered: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const all = [...this.all()];
    const types = all.length > 0 ? await typesOf(pluginService) : undefined;
    const stored: Stored = {
      Data: {
        PodDeviceEntries: all.map(({ podUid, container, resource, allocation }) => ({
          PodUID: podUid,
          ContainerName: container,
          ResourceName: resource,
          DeviceIDs: renderDevices(allocation),
          AllocResp: encodeMessage(types!, 'ContainerAllocateResponse', allocation.response).toString('base64'),
        })),
        RegisteredDevices: registered,
      },
      // Upstream's is a hash of how Go prints the data.
      Checksum: 0,
    };
    const text = JSON.stringify(stored);
    if (text === this.written) return;
    try {
      await writePrivate(this.path, text);
    } catch (cause) {
      const why = `failed to write checkpoint file "kubelet_internal_checkpoint": ${describeError(cause)}`;
      throw new AppError('Internal', why, { cause });
    }
    this.written = text;
  }

  private *all() {
    for (const [podUid, containers] of this.pods)
      for (const [container, resources] of containers)
        for (const [resource, allocation] of resources) yield { podUid, container, resource, allocation };
  }
}

function parseDevices(byNode: Readonly<Record<string, readonly string[]>>): Pick<Allocation, 'devices' | 'nodes'> {
  const devices = new Set<string>();
  const nodes: Record<string, number[]> = {};
  for (const [node, ids] of Object.entries(byNode)) {
    for (const id of ids) {
      devices.add(id);
      if (node !== noNode) nodes[id] = [...(nodes[id] ?? []), Number(node)];
    }
  }
  return { devices: [...devices], nodes };
}

function renderDevices({ devices, nodes }: Allocation): Record<string, string[]> {
  const byNode: Record<string, string[]> = {};
  for (const id of devices) {
    const own = nodes[id]?.map(String) ?? [noNode];
    for (const node of own) byNode[node] = [...(byNode[node] ?? []), id];
  }
  return byNode;
}
