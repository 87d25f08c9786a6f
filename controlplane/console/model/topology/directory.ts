// Whose address is this: of a pod, a Service, a node, or of a machine outside of the cluster.
import { type Box, elsewhereId, entryId, nodeId, outsideId, serviceId, unknownId } from './boxes';
import { addressesOf, addressesOfService, type ClusterObjects, keyOf, type Pod, probedPorts } from './objects';
import { isIn, rangeBits } from './ranges';

export interface Place {
  readonly box: string;
  /** The node that its packets begin at; absent for what is outside, and for Services. */
  readonly node?: string;
  readonly isService: boolean;
}

export interface Directory {
  readonly byAddress: ReadonlyMap<string, Place>;
  /** The Service behind a port of every node. */
  readonly byNodePort: ReadonlyMap<number, Place>;
  readonly nodeAddresses: ReadonlySet<string>;
  readonly boxes: ReadonlySet<string>;
  /** ADDRESS:PORT of pods that the kubelet of their node probes, by node. */
  readonly probed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Ranges of the nodes for their pods, as rangeBits() says them. */
  readonly podRanges: readonly string[];
  /** The reader may not list all objects: an address that is in none of them may be of any. */
  readonly isPartial: boolean;
}

/** The box of a pod that is gone, and its node. */
export interface FormerPlace {
  readonly box: string;
  readonly node: string;
}

/** @param former by address: it counts where no object has the address now */
export function directoryOf(
  objects: ClusterObjects,
  boxes: readonly Box[],
  isPartial = false,
  former: ReadonlyMap<string, FormerPlace> = new Map(),
): Directory {
  const podRanges: string[] = [];
  const byAddress = new Map<string, Place>(
    [...former].map(([address, place]) => [address, { ...place, isService: false }]),
  );
  const byNodePort = new Map<number, Place>();
  const nodeAddresses = new Set<string>();
  for (const service of objects.services) {
    const place: Place = { box: serviceId(keyOf(service)), isService: true };
    for (const address of addressesOfService(service)) byAddress.set(address, place);
    for (const { nodePort } of service.spec?.ports ?? []) if (nodePort) byNodePort.set(nodePort, place);
  }
  for (const { metadata, spec, status } of objects.nodes) {
    const node = metadata?.name ?? '';
    for (const range of spec?.podCIDRs ?? []) {
      podRanges.push(rangeBits(range));
      for (const address of ownAddresses(range)) byAddress.set(address, { box: nodeId(node), node, isService: false });
    }
    for (const { type, address = '' } of status?.addresses ?? []) {
      if (type === 'Hostname' || type === 'InternalDNS' || type === 'ExternalDNS' || address === '') continue;
      byAddress.set(address, { box: nodeId(node), node, isService: false });
      nodeAddresses.add(address);
    }
  }
  // Whose address it is now comes last, and wins.
  const byEnd = [...boxes.filter(({ isEnded }) => isEnded), ...boxes.filter(({ isEnded }) => !isEnded)];
  for (const { id, pods } of byEnd) {
    for (const { addresses, node } of pods) {
      for (const address of addresses) byAddress.set(address, { box: id, node, isService: false });
    }
  }
  return {
    byAddress,
    byNodePort,
    nodeAddresses,
    boxes: new Set(boxes.map(({ id }) => id)),
    probed: probedOf(objects.pods),
    podRanges,
    isPartial,
  };
}

function probedOf(pods: readonly Pod[]): ReadonlyMap<string, ReadonlySet<string>> {
  const probed = new Map<string, Set<string>>();
  for (const pod of pods) {
    const ports = probedPorts(pod);
    if (ports.length === 0) continue;
    const node = pod.spec?.nodeName ?? '';
    const known = probed.get(node) ?? new Set();
    for (const address of addressesOf(pod)) for (const port of ports) known.add(endText({ address, port }));
    probed.set(node, known);
  }
  return probed;
}

/** ADDRESS:PORT; an address of IPv6 in brackets. */
export const endText = ({ address, port }: { readonly address: string; readonly port?: number }): string =>
  port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`;

/**
 * What a node itself has of its range of pod addresses: the first one at its tunnel, the next one at the bridge of its pods. With the
 * latter the kubelet probes its pods.
 */
function ownAddresses(range: string): readonly string[] {
  const [first = ''] = range.split('/');
  if (first.endsWith('::')) return [first, `${first}1`];
  const [, front, last] = /^(\d+\.\d+\.\d+\.)(\d+)$/.exec(first) ?? [];
  return front === undefined ? [] : [first, `${front}${Number(last) + 1}`];
}

/** The sender with this address. */
export const whereOf = (directory: Directory, address: string): Place =>
  directory.byAddress.get(address) ?? { box: otherBox(directory, address, outsideId), isService: false };

/** An address of no object: a pod that is gone is not the world outside, nor is one that the reader may not see. */
const otherBox = ({ podRanges, isPartial }: Directory, address: string, outer: string): string =>
  isPartial || isIn(podRanges, address) ? unknownId : outer;

/** Where the nodes' Ingress listens. */
const ingressPorts: ReadonlySet<number> = new Set([80, 443]);

/** What was called at this address and port. */
export function calledAt(
  directory: Directory,
  { address, port }: { readonly address: string; readonly port?: number },
): Place {
  if (port !== undefined && directory.nodeAddresses.has(address)) {
    const service = directory.byNodePort.get(port);
    if (service) return service;
    if (ingressPorts.has(port) && directory.boxes.has(entryId)) return { box: entryId, isService: false };
  }
  return directory.byAddress.get(address) ?? { box: otherBox(directory, address, elsewhereId), isService: false };
}
