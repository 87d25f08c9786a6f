// What a container may use, from its requests and limits, and how a change of them is carried out (KEP-1287). Pure.
import { formatQuantity, milliValue, unitValue } from '../../../controlplane/api/quantity';
import { labels } from '../runtime/labels';
import type { ContainerRecord, ContainerResources } from '../runtime/runtime';
import type { Container } from './container';

const cpuPeriodMicros = 100_000;
const minQuotaMicros = 1000;
export const minShares = 2;
export const sharesPerCpu = 1024;

type Resources = Container['resources'];

/** `ofPod`: the resources of the pod itself, whose limits hold for a container that has none of its own (KEP-2837). */
export function containerResources(
  { resources: wanted }: Pick<Container, 'resources'>,
  ofPod?: Resources,
): ContainerResources {
  const { requests = {} } = wanted ?? {};
  const limits = { cpu: limitOf('cpu', wanted, ofPod), memory: limitOf('memory', wanted, ofPod) };
  const request = requests['cpu'] ?? limits['cpu'];
  const quota = limits['cpu'] && milliValue(limits['cpu']) > 0 ? milliValue(limits['cpu']) : undefined;
  const memory = limits['memory'] ? unitValue(limits['memory']) : 0;
  return {
    cpuShares: request ? Math.max(minShares, Math.floor((milliValue(request) * sharesPerCpu) / 1000)) : minShares,
    ...(quota === undefined
      ? {}
      : { cpuQuotaMicros: Math.max(minQuotaMicros, (quota * cpuPeriodMicros) / 1000), cpuPeriodMicros }),
    ...(memory > 0 ? { memoryBytes: memory } : {}),
  };
}

/** A limit of zero counts as none. */
function limitOf(name: Name, own: Resources, ofPod: Resources): string | undefined {
  const text = own?.limits?.[name];
  return text !== undefined && milliValue(text) > 0 ? text : (ofPod?.limits?.[name] ?? text);
}

/** Of a larger record, such as a container's specification. */
export const resourcesOf = ({
  cpuShares,
  cpuQuotaMicros,
  cpuPeriodMicros: period,
  memoryBytes,
}: ContainerResources): ContainerResources => ({
  ...(cpuShares === undefined ? {} : { cpuShares }),
  ...(cpuQuotaMicros === undefined ? {} : { cpuQuotaMicros, cpuPeriodMicros: period ?? cpuPeriodMicros }),
  ...(memoryBytes === undefined ? {} : { memoryBytes }),
});

type Name = 'cpu' | 'memory';

/** How a running container gets from its actual to its wanted resources; `none` when it has them, or the runtime does not say. */
export function resizeOf(
  container: Container,
  record: ContainerRecord,
  ofPod?: Resources,
): 'none' | 'update' | 'restart' {
  const actual = record.resources;
  if (!actual) return 'none';
  const wanted = containerResources(container, ofPod);
  const restarts = (name: Name) =>
    container.resizePolicy?.find(({ resourceName }) => resourceName === name)?.restartPolicy === 'RestartContainer';
  // The kernel knows no memory request. A change of it needs nothing, unless the policy says that the container must restart.
  const created = record.labels[labels.memoryRequest];
  const otherRequest = created !== undefined && created !== (container.resources?.requests?.['memory'] ?? '');
  const memory = wanted.memoryBytes !== actual.memoryBytes;
  const cpu = wanted.cpuShares !== actual.cpuShares || wanted.cpuQuotaMicros !== actual.cpuQuotaMicros;
  if ((restarts('memory') && (memory || otherRequest)) || (restarts('cpu') && cpu)) return 'restart';
  return memory || cpu ? 'update' : 'none';
}

/** The actual amounts of a running container as the API shows them: those of the spec while the container has them. */
export function reportedResources(
  container: Container,
  { resources: actual }: ContainerRecord,
  ofPod?: Resources,
): NonNullable<Resources> {
  const own = container.resources ?? {};
  const wanted = containerResources(container, ofPod);
  if (!actual) return own;
  const limits = { ...own.limits };
  const requests = { ...own.requests };
  if (own.limits) {
    if (actual.cpuQuotaMicros !== undefined && actual.cpuQuotaMicros !== wanted.cpuQuotaMicros) {
      limits['cpu'] = milliText((actual.cpuQuotaMicros * 1000) / (actual.cpuPeriodMicros ?? cpuPeriodMicros));
    }
    if (actual.memoryBytes !== undefined && actual.memoryBytes !== wanted.memoryBytes) {
      limits['memory'] = bytesText(actual.memoryBytes);
    }
  }
  if (own.requests && actual.cpuShares !== undefined && actual.cpuShares !== wanted.cpuShares) {
    requests['cpu'] = milliText((actual.cpuShares * 1000) / sharesPerCpu);
  }
  return {
    ...own,
    ...(own.limits ? { limits } : {}),
    ...(own.requests ? { requests } : {}),
  };
}

/** Thousandths of a core as a quantity. Rounded up, as upstream: 102 shares are the 100 thousandths from which they were made. */
export function milliText(milli: number): string {
  const whole = Math.ceil(milli);
  return whole % 1000 === 0 ? String(whole / 1000) : `${whole}m`;
}

export const bytesText = (bytes: number): string =>
  formatQuantity({ nano: BigInt(bytes) * 1_000_000_000n, format: 'BinarySI' });
