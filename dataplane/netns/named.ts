// Named network namespaces, as `ip netns` creates them: for local nodes and tests.
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import type { Netns } from './netns';
import { namedNetns } from './system-netns';

/** Creates the namespace unless it exists; its loopback is set up. */
export async function ensureNamedNetns(exec: Exec, name: string): Promise<Netns> {
  try {
    await exec.run(['ip', 'netns', 'add', name]);
  } catch (err) {
    if (!(err instanceof CommandFailed && err.stderr.includes('File exists'))) throw err;
  }
  await exec.run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
  return namedNetns(name);
}

/** Removes the name; the namespace ends with its last process and socket. Without the name nothing happens. */
export async function removeNamedNetns(exec: Exec, name: string): Promise<void> {
  try {
    await exec.run(['ip', 'netns', 'delete', name]);
  } catch (err) {
    if (!(err instanceof CommandFailed && /No such file/.test(err.stderr))) throw err;
  }
}

/** argv that runs a program inside: nsenter, not `ip netns exec`, which would mount another /sys. */
export const inNetns = (netns: Netns, argv: readonly string[]): readonly string[] => [
  'nsenter',
  `--net=${netns.path}`,
  '--',
  ...argv,
];
