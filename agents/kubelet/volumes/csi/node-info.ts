// What the API shows of this node's CSI drivers: the CSINode object, and on the Node the annotation with the drivers' node IDs and the
// labels of their topology. plans are pure; NodeInfoWriter reads, plans and writes, again after a conflict.
import { type CSINode, csiNodes, type Node, nodes } from '../../../../controlplane/api';
import { AppError, isAlreadyExists, isConflict, isNotFound } from '../../../../controlplane/base/errors';
import type { Client } from '../../../../controlplane/client/client';
import type { NodeInfo } from './node-service';

export const nodeIdAnnotation = 'csi.volume.kubernetes.io/nodeid';
const maxCount = 2 ** 31 - 1;
/** As upstream: conflicts are with other writers of the Node, and few. */
const maxTries = 5;

type Driver = NonNullable<CSINode['spec']>['drivers'][number];

/** The driver's entry in CSINode.spec.drivers. */
export function driverEntry(name: string, { nodeId, maxVolumesPerNode, accessibleTopology }: NodeInfo): Driver {
  return {
    name,
    nodeID: nodeId,
    topologyKeys: Object.keys(accessibleTopology?.segments ?? {}).sort(),
    // A negative number is nonsense of the driver and means none.
    ...(maxVolumesPerNode > 0 ? { allocatable: { count: Math.min(maxVolumesPerNode, maxCount) } } : {}),
  };
}

/** Undefined when the list has exactly this entry already. */
export function withDriver(drivers: readonly Driver[], entry: Driver): readonly Driver[] | undefined {
  const old = drivers.find(({ name }) => name === entry.name);
  if (old && sameEntry(old, entry)) return undefined;
  return [...drivers.filter(({ name }) => name !== entry.name), entry];
}

const sameEntry = (a: Driver, b: Driver): boolean =>
  a.nodeID === b.nodeID &&
  a.allocatable?.count === b.allocatable?.count &&
  JSON.stringify([...(a.topologyKeys ?? [])].sort()) === JSON.stringify([...(b.topologyKeys ?? [])].sort());

/**
 * The merge patch of the Node for a driver's ID (undefined: the driver is gone) and topology; undefined when nothing changes. Labels of a
 * driver that is gone stay, as upstream: volumes may need them. @throws when the node has a label of the topology with another value
 */
export function nodePatch(
  { metadata }: Node,
  driver: string,
  nodeId: string | undefined,
  topology: Readonly<Record<string, string>>,
): { readonly metadata: object } | undefined {
  const ids = parseIds(metadata?.annotations?.[nodeIdAnnotation]);
  for (const [key, value] of Object.entries(topology)) {
    const existing = metadata?.labels?.[key];
    if (existing !== undefined && existing !== value) {
      const said = `driver reported "${key}":"${value}" but existing label is "${key}":"${existing}"`;
      throw new AppError('Internal', `detected topology value collision: ${said}`);
    }
  }
  const labels = Object.entries(topology).filter(([key]) => metadata?.labels?.[key] === undefined);
  if (ids.get(driver) === nodeId && labels.length === 0) return undefined;
  if (nodeId === undefined) ids.delete(driver);
  else ids.set(driver, nodeId);
  const shown = ids.size === 0 ? null : JSON.stringify(Object.fromEntries([...ids].sort()));
  const { resourceVersion } = metadata ?? {};
  return {
    metadata: {
      resourceVersion,
      annotations: { [nodeIdAnnotation]: shown },
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    },
  };
}

function parseIds(annotation: string | undefined): Map<string, string> {
  if (!annotation) return new Map();
  const parsed: unknown = JSON.parse(annotation);
  return new Map(Object.entries(parsed as Record<string, string>));
}

export interface NodeInfoDeps {
  readonly client: Client;
  readonly nodeName: string;
}

export class NodeInfoWriter {
  /** One write at a time: each begins with a read. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: NodeInfoDeps) {}

  /** Makes the node's CSINode, so that the API shows nodes without drivers too. @throws what the API answers */
  initialize(signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      await this.csiNode(signal);
    });
  }

  /** @throws with upstream's words */
  install(driver: string, info: NodeInfo, signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      if (info.nodeId === '') throw new Error('error adding CSI driver node info: driverNodeID must not be empty');
      await this.patchNode(driver, info.nodeId, info.accessibleTopology?.segments ?? {});
      const entry = driverEntry(driver, info);
      await this.writeDrivers((drivers) => withDriver(drivers, entry), signal);
    });
  }

  uninstall(driver: string): Promise<void> {
    return this.inTurn(async () => {
      const signal = new AbortController().signal;
      await this.writeDrivers((drivers) => {
        const left = drivers.filter(({ name }) => name !== driver);
        return left.length === drivers.length ? undefined : left;
      }, signal);
      await this.patchNode(driver, undefined, {});
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.last.then(work);
    this.last = run.catch(() => {});
    return run;
  }

  private async patchNode(driver: string, nodeId: string | undefined, topology: Readonly<Record<string, string>>) {
    const { client, nodeName } = this.deps;
    await repeated(async () => {
      const patch = nodePatch(await client.get(nodes, nodeName), driver, nodeId, topology);
      if (patch) await client.patch(nodes, nodeName, 'merge', patch);
    });
  }

  private async writeDrivers(
    plan: (drivers: readonly Driver[]) => readonly Driver[] | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await repeated(async () => {
      const object = await this.csiNode(signal);
      const drivers = plan(object.spec?.drivers ?? []);
      if (drivers)
        await this.deps.client.update(csiNodes, { ...object, spec: { ...object.spec, drivers: [...drivers] } });
    });
  }

  /** The CSINode of this Node object; one of an earlier Node of the same name is replaced. */
  private async csiNode(signal: AbortSignal): Promise<CSINode> {
    const { client, nodeName } = this.deps;
    const { metadata } = await client.get(nodes, nodeName, signal);
    const uid = metadata?.uid ?? '';
    const existing = await client.get(csiNodes, nodeName, signal).catch(ifMissing);
    const owned = existing?.metadata?.ownerReferences?.some((owner) => owner.kind === 'Node' && owner.uid === uid);
    if (existing && owned) return existing;
    if (existing) await client.delete(csiNodes, nodeName, { preconditions: { uid: existing.metadata?.uid ?? '' } });
    return client.create(csiNodes, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: nodeName, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] },
      spec: { drivers: [] },
    });
  }
}

function ifMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** Another writer was faster: read and plan again. */
async function repeated(write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (tries >= maxTries || !(isConflict(error) || isAlreadyExists(error))) throw error;
    }
  }
}
