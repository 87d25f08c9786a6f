// Changes the resources of running containers of one pod.
import type { Pod } from '../../../controlplane/api';
import { AppError, describeError } from '../../../controlplane/base/errors';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { containerResources, resizeOf } from '../spec/container-resources';
import type { PodDeps } from './deps';
import type { ObservedPod } from './observed-pod';
import type { ContainerResize } from './plan';

type Deps = Pick<PodDeps, 'runtime' | 'records' | 'cgroups'>;

/**
 * Containers that get less memory come first, then those that get less CPU, so that the node never gives more than before and after.
 * @throws Unavailable with upstream's words when one cannot be changed; the others that come later are not changed then
 */
export async function resizeContainers(deps: Deps, pod: Pod, resizes: readonly ContainerResize[]): Promise<void> {
  const changes = resizes.flatMap(({ id, container }) => {
    const record = deps.records.get(id);
    return record?.state === 'running'
      ? [{ record, container, wanted: containerResources(container, pod.spec?.resources) }]
      : [];
  });
  await refuseMemoryInUse(deps, pod, changes);
  const less = ({ record, wanted }: Change) => [
    (wanted.memoryBytes ?? Number.POSITIVE_INFINITY) < (record.resources?.memoryBytes ?? Number.POSITIVE_INFINITY),
    (wanted.cpuShares ?? 0) < (record.resources?.cpuShares ?? 0),
  ];
  const rank = (change: Change) => {
    const [memory, cpu] = less(change);
    return memory ? 0 : cpu ? 1 : 2;
  };
  for (const { record, wanted } of [...changes].sort((a, b) => rank(a) - rank(b))) {
    try {
      await deps.runtime.update(record.id, wanted);
    } catch (cause) {
      throw new AppError('Unavailable', describeError(cause), { cause });
    }
    const newest = deps.records.get(record.id);
    if (newest) deps.records.put({ ...newest, resources: wanted });
  }
}

/**
 * The group of the pod gets what its spec says, when no container has to change. @throws as resizeContainers, or Error that says what the
 * kernel refused
 */
export async function resizeGroup(deps: Deps, pod: Pod): Promise<void> {
  await refuseMemoryInUse(deps, pod, []);
  await deps.cgroups.ensure(pod);
}

/** @throws Unavailable when a limit would be below what is used now: the kernel would end processes */
async function refuseMemoryInUse(deps: Deps, pod: Pod, changes: readonly Change[]): Promise<void> {
  const all = [podUsedBeyond(deps, pod), ...changes.map((change) => usedBeyond(deps, change))];
  const refused = (await Promise.all(all)).filter((why) => why !== '');
  if (refused.length === 0) return;
  const why = refused.length === 1 ? refused[0] : `[${refused.join(', ')}]`;
  throw new AppError('Unavailable', `cannot decrease memory limits: ${why}`);
}

async function podUsedBeyond({ cgroups }: Deps, pod: Pod): Promise<string> {
  const beyond = await cgroups.usedBeyond(pod);
  if (!beyond) return '';
  const { limitBytes, usedBytes } = beyond;
  return `attempting to set pod memory limit (${limitBytes}) below current usage (${usedBytes})`;
}

interface Change extends Pick<ContainerResize, 'container'> {
  readonly record: ContainerRecord;
  readonly wanted: ReturnType<typeof containerResources>;
}

/** The kernel would end processes of a container that uses more than its new limit. Empty when it does not. */
async function usedBeyond({ runtime }: Deps, { record, container, wanted }: Change): Promise<string> {
  const limit = wanted.memoryBytes;
  if (limit === undefined || limit >= (record.resources?.memoryBytes ?? Number.POSITIVE_INFINITY)) return '';
  const { memoryBytes } = await runtime.usage(record.id);
  if (memoryBytes < limit) return '';
  const name = JSON.stringify(container.name);
  return `attempting to set container ${name} memory limit (${limit}) below current usage (${memoryBytes})`;
}

/** True when each running container has what the spec says, except those that must restart for it. */
export function hasResources({ spec }: Pod, observed: Pick<ObservedPod, 'newest'>): boolean {
  const all: readonly Container[] = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return all.every((container) => {
    const record = observed.newest(container.name);
    return record?.state !== 'running' || resizeOf(container, record, spec?.resources) === 'none';
  });
}
