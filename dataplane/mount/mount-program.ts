// Mounts by mount(8), for file systems with a helper program (mount.nfs) and for devices: both may take long, and mount(2) would hold this
// process's only thread meanwhile.
import { AppError, BadRequest, CommandFailed, describeError } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';

export interface ProgramMount {
  /** Such as nfs or ext4. */
  readonly type: string;
  /** A device, or `server:/path`. */
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

/** mount.nfs tries for two minutes by itself. */
const timeoutMs = 150_000;

const optionsOf = ({ type, options }: ProgramMount): string[] => [
  '-t',
  type,
  ...(options.length > 0 ? ['-o', options.join(',')] : []),
];

/**
 * The arguments of mount(8). A user may name the source: one like -T/FILE would be an option, and FILE a table of mounts. Pure.
 * @throws BadRequest for such a source: mount(8) gives it to a helper program too
 */
export function mountArguments(mount: ProgramMount): string[] {
  const { source, target } = mount;
  if (source.startsWith('-')) throw new BadRequest(`the source of a mount must not begin with a dash: ${source}`);
  return [...optionsOf(mount), '--', source, target];
}

/** @throws AppError with the text that upstream's kubelet reports */
export async function runMount(exec: Exec, mount: ProgramMount, signal: AbortSignal): Promise<void> {
  const args = mountArguments(mount);
  try {
    await exec.run(['mount', ...args], { signal, timeoutMs });
  } catch (cause) {
    signal.throwIfAborted();
    const said = cause instanceof CommandFailed ? cause.stderr : `${describeError(cause)}\n`;
    const status = cause instanceof CommandFailed ? `exit status ${cause.exitCode}` : 'no exit status';
    const shown = [...optionsOf(mount), mount.source, mount.target].join(' ');
    const how = `Mounting command: mount\nMounting arguments: ${shown}`;
    throw new AppError('CommandFailed', `mount failed: ${status}\n${how}\nOutput: ${said}`);
  }
}
