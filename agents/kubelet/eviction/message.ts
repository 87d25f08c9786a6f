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

export interface EvictionReport {
  readonly message: string;
  /** Of the Event. Empty when the pod was not measured. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** `starved`: the thresholds that are met, in their order. */
export function evictionReport(
  resource: StarvedResource,
  pod: Pod,
  use: PodUse | undefined,
  starved: readonly Threshold[],
  observations: Observations,
): EvictionReport {
  const low = `The node was low on resource: ${resource}. ${thresholdText(resource, starved, observations)}`;
  if (!use) return { message: low, annotations: {} };
  const own = resource === 'memory' ? ownUse(pod, use) : undefined;
  const greedy = greedyContainers(resource, pod, use);
  const sentences = greedy.map(
    ({ name, usage, request }) =>
      `Container ${name} was using ${usage}, request is ${request}, has larger consumption of ${resource}. `,
  );
  return {
    message: [low, own?.sentence ?? '', ...sentences].join(''),
    annotations: {
      ...own?.annotations,
      offending_containers: greedy.map(({ name }) => name).join(),
      offending_containers_usage: greedy.map(({ usage }) => usage).join(),
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

/** Of a pod with a memory request of its own, whether or not it uses more. */
function ownUse({ metadata, spec }: Pod, { memoryBytes }: PodUse) {
  const request = spec?.resources?.requests?.['memory'];
  if (request === undefined || memoryBytes === undefined) return undefined;
  const { name = '' } = metadata ?? {};
  const usage = bytesText(memoryBytes);
  const asked = formatQuantity(parseQuantity(request));
  return {
    sentence: `Pod ${name} was using ${usage}, request is ${asked}, has larger consumption of memory. `,
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
