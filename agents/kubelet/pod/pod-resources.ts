// The resources of a pod as a whole in its status: what the node has promised, and what the pod's cgroup has (KEP-5419). Pure.
import { limitsOf, type Pod, requestsOf } from '../../../controlplane/api';
import { formatQuantity, milliValue, type Quantity } from '../../../controlplane/api/quantity';
import { addOverhead, type GroupSettings, minShares, withOverhead } from '../cgroups/settings';
import { bytesText, milliText, sharesPerCpu } from '../spec/container-resources';
import type { PodStatus } from './status-input';

type Amounts = Readonly<Record<string, string>>;

/** `pod` with what the node has promised to it. `group`: of a pod that runs; undefined for one that does not, which shows the promise. */
export function podResources(
  pod: Pod,
  group: GroupSettings | undefined,
): Pick<PodStatus, 'resources' | 'allocatedResources'> {
  const spec = pod.spec ?? { containers: [] };
  const requests = texts(addOverhead(requestsOf(spec), spec.overhead));
  const allocatedResources = isEmpty(requests) ? {} : { allocatedResources: requests };
  const own = spec.resources;
  const { requests: _, limits: __, ...rest } = own ?? {};
  if (!group) {
    const limits = texts(withOverhead(limitsOf(spec), spec.overhead));
    return { resources: { ...rest, ...shown(requests, limits) }, ...allocatedResources };
  }
  const memory = own?.requests?.['memory'] ?? requests['memory'];
  const now = {
    ...own?.requests,
    ...cpuRequest(own?.requests?.['cpu'], group.cpuShares),
    ...(memory === undefined ? {} : { memory }),
  };
  const limits = { ...own?.limits, ...cpuLimit(own?.limits?.['cpu'], group), ...memoryLimit(group) };
  return { resources: { ...rest, ...shown(now, limits) }, ...allocatedResources };
}

/** Two shares are the least that the kernel takes: a request of that size or less stays as it was asked for. */
function cpuRequest(asked: string | undefined, shares: number): Amounts {
  const milli = Math.ceil((shares * 1000) / sharesPerCpu);
  return milli > minShares || milliValue(asked ?? '0') > minShares ? { cpu: milliText(milli) } : {};
}

/** As with shares: the least quota is that of ten thousandths of a core. */
const leastLimit = 10;

function cpuLimit(asked: string | undefined, { cpuQuotaMicros }: GroupSettings): Amounts {
  if (cpuQuotaMicros === undefined) return {};
  const milli = cpuQuotaMicros / 100;
  return milli > leastLimit || milliValue(asked ?? '0') > leastLimit ? { cpu: milliText(milli) } : {};
}

const memoryLimit = ({ memoryBytes }: GroupSettings): Amounts =>
  memoryBytes === undefined ? {} : { memory: bytesText(memoryBytes) };

const isEmpty = (amounts: Amounts): boolean => Object.keys(amounts).length === 0;

function shown(requests: Amounts, limits: Amounts): { readonly requests?: Amounts; readonly limits?: Amounts } {
  return { ...(isEmpty(requests) ? {} : { requests }), ...(isEmpty(limits) ? {} : { limits }) };
}

function texts(amounts: Readonly<Record<string, Quantity>>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]));
}
