// The container whose processes an ephemeral container shares. Pure.
import type { Pod } from '../../../controlplane/api';
import { isSandbox, labels } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { ConfigError, findEphemeral } from '../spec/container';

/**
 * The ID of the target's last run; undefined when the container has no target. A process namespace ends with its container, so
 * the target must run. @throws ConfigError: the start is tried again
 */
export function targetOf(pod: Pod, container: string, records: readonly ContainerRecord[]): string | undefined {
  const name = findEphemeral(pod, container)?.targetContainerName;
  if (!name) return undefined;
  const target = records.find((each) => !isSandbox(each) && each.labels[labels.containerName] === name);
  if (!target) throw new ConfigError(`unable to find target container ${name}`);
  if (target.state === 'running') return target.id;
  const message = `failed to target container ${name}: target container not running - current state ${target.state}`;
  throw new ConfigError(message, 'CreateContainerError');
}
