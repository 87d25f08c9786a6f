// Why a pod is evicted, in upstream's words. Pure. Clients and alert rules read these texts.
import type { Pod } from '../../../controlplane/api';
import { compareQuantities, formatQuantity, parseQuantity } from '../../../controlplane/api/quantity';
import type { ContainerUse, PodUse } from './pod-usage';
import { type Observation, type Observations, type StarvedResource, signals } from './signals';
import { amountOf, type Threshold } from './thresholds';

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
): string {
  const parts = [`The node was low on resource: ${resource}. `, thresholdText(resource, starved, observations)];
  if (use && resource === 'memory') parts.push(podText(pod, use));
  for (const { name, usage, request } of use ? greedyContainers(resource, pod, use) : []) {
    parts.push(`Container ${name} was using ${usage}, request is ${request}, has larger consumption of ${resource}. `);
  }
  return parts.join('');
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

function podText({ metadata, spec }: Pod, { memoryBytes }: PodUse): string {
  const request = spec?.resources?.requests?.['memory'];
  if (request === undefined || memoryBytes === undefined) return '';
  const asked = formatQuantity(parseQuantity(request));
  return `Pod ${metadata?.name} was using ${bytesText(memoryBytes)}, request is ${asked}, has larger consumption of memory. `;
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
