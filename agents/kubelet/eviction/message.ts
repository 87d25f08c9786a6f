// Why a pod is evicted, in upstream's words. Pure. Clients and alert rules read these texts.
import type { Pod } from '../../../controlplane/api';
import { compareQuantities, formatQuantity, parseQuantity } from '../../../controlplane/api/quantity';
import type { ContainerUse, PodUse } from './pod-usage';
import { type Observation, type Observations, type StarvedResource, signals } from './signals';
import { amountOf, type Threshold } from './thresholds';

export interface EvictionMessage {
  readonly text: string;
  /** For the Event. */
  readonly annotations: Readonly<Record<string, string>>;
}

export const bytesText = (bytes: number): string =>
  formatQuantity({ nano: BigInt(Math.trunc(bytes)) * 1_000_000_000n, format: 'BinarySI' });
const countText = (count: number): string =>
  formatQuantity({ nano: BigInt(Math.trunc(count)) * 1_000_000_000n, format: 'DecimalSI' });

/** `starved`: the thresholds that are met, in their order. */
export function evictionMessage(
  resource: StarvedResource,
  pod: Pod,
  use: PodUse | undefined,
  starved: readonly Threshold[],
  observations: Observations,
): EvictionMessage {
  const low = `The node was low on resource: ${resource}. `;
  const parts = [low, thresholdText(resource, starved, observations)];
  if (!use) return { text: parts.join(''), annotations: {} };
  const podLevel = resource === 'memory' ? podText(pod, use) : undefined;
  if (podLevel) parts.push(podLevel.text);
  const greedy = greedyContainers(resource, pod, use);
  for (const { name, usage, request } of greedy) {
    parts.push(`Container ${name} was using ${usage}, request is ${request}, has larger consumption of ${resource}. `);
  }
  return {
    text: parts.join(''),
    annotations: {
      ...podLevel?.annotations,
      offending_containers: greedy.map(({ name }) => name).join(','),
      offending_containers_usage: greedy.map(({ usage }) => usage).join(','),
      starved_resource: resource,
    },
  };
}

function thresholdText(resource: StarvedResource, starved: readonly Threshold[], observations: Observations): string {
  for (const { signal, value } of starved) {
    const observed: Observation | undefined = observations[signal];
    if (signals[signal].resource !== resource || !observed) continue;
    const quantity = 'text' in value ? value.text : bytesText(amountOf(value, observed.capacity));
    const inBytes = resource === 'memory' || resource === 'ephemeral-storage';
    const available = inBytes ? bytesText(observed.available) : countText(observed.available);
    return `Threshold quantity: ${quantity}, available: ${available}. `;
  }
  return '';
}

function podText(pod: Pod, { memoryBytes }: PodUse) {
  const request = pod.spec?.resources?.requests?.['memory'];
  if (request === undefined || memoryBytes === undefined) return undefined;
  const name = pod.metadata?.name ?? '';
  const usage = bytesText(memoryBytes);
  const asked = formatQuantity(parseQuantity(request));
  return {
    text: `Pod ${name} was using ${usage}, request is ${asked}, has larger consumption of memory. `,
    annotations: { offending_pod: name, offending_pod_usage: usage },
  };
}

/** Ephemeral containers have no requests, so they are not blamed. */
function greedyContainers(resource: StarvedResource, { spec }: Pod, { containers }: PodUse) {
  const known = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return containers.flatMap((use) => {
    const container = known.find(({ name }) => name === use.name);
    const used = usedBytes(resource, use);
    if (!container || used === undefined) return [];
    const request = parseQuantity(container.resources?.requests?.[resource] ?? '0');
    if (compareQuantities({ nano: BigInt(used) * 1_000_000_000n, format: 'BinarySI' }, request) <= 0) return [];
    return [{ name: use.name, usage: bytesText(used), request: formatQuantity(request) }];
  });
}

function usedBytes(resource: StarvedResource, { memoryBytes, rootfs, logs }: ContainerUse): number | undefined {
  if (resource === 'memory') return memoryBytes;
  return resource === 'ephemeral-storage' && rootfs && logs ? rootfs.bytes + logs.bytes : undefined;
}
