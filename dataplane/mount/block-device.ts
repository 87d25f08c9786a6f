// File systems on block devices: found by blkid(8), made by mkfs on a device that has none, checked by fsck(8) before they are mounted.
// A device with partitions or any known content is never formatted.
import { AppError, CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { runMount } from './mount-program';

export interface DeviceMount {
  readonly device: string;
  readonly target: string;
  /** Made on an empty device, such as ext4 or xfs; '' or none: ext4. */
  readonly fsType: string | undefined;
  readonly options: readonly string[];
}

const defaultFsType = 'ext4';
/** blkid's exit status for a device without known content. */
const nothingFound = 2;
/** fsck's exit status for errors that it has left. */
const errorsLeft = 4;

/** Options with which mkfs makes a file system on a whole device without a question. Pure. */
export function formatArguments(fsType: string, device: string): string[] {
  if (fsType === 'ext3' || fsType === 'ext4') return ['-F', '-m0', device];
  return fsType === 'xfs' ? ['-f', device] : [device];
}

/** The file system of a device from blkid's output; '' for none. Pure. @throws AppError for output of another form */
export function parseContent(output: string): string {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    if (line === '') continue;
    const parts = line.split('=');
    if (parts.length !== 2) throw new AppError('Internal', `blkid returns invalid output: ${output}`);
    values.set(parts[0]!, parts[1]!);
  }
  return values.get('PTTYPE') ? 'unknown data, probably partitions' : (values.get('TYPE') ?? '');
}

/** Mounts the device, and makes a file system first if it has none. @throws AppError */
export async function mountDevice(
  exec: Exec,
  { device, target, options, ...mount }: DeviceMount,
  signal: AbortSignal,
): Promise<void> {
  const fsType = mount.fsType || defaultFsType;
  const isReadOnly = options.includes('ro');
  const content = await contentOf(exec, device, signal);
  if (content === '') {
    if (isReadOnly) {
      const message = `cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`;
      throw new AppError('BadRequest', message);
    }
    await format(exec, device, fsType, signal);
  } else if (!isReadOnly) await check(exec, device, signal);
  await runMount(exec, { type: fsType, source: device, target, options: [...options, 'defaults'] }, signal);
}

async function contentOf(exec: Exec, device: string, signal: AbortSignal): Promise<string> {
  try {
    const argv = ['blkid', '-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', device];
    return parseContent((await exec.run(argv, { signal })).stdout);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof CommandFailed && cause.exitCode === nothingFound) return '';
    throw new AppError('CommandFailed', `failed to get disk format of disk ${device}: ${said(cause)}`);
  }
}

async function format(exec: Exec, device: string, fsType: string, signal: AbortSignal): Promise<void> {
  try {
    await exec.run([`mkfs.${fsType}`, ...formatArguments(fsType, device)], { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError('CommandFailed', `format of disk "${device}" as ${fsType} failed: ${said(cause)}`);
  }
}

/** Only errors that fsck has left keep the device from being mounted: without the program, mount(8) finds out. */
async function check(exec: Exec, device: string, signal: AbortSignal): Promise<void> {
  try {
    await exec.run(['fsck', '-a', device], { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof CommandFailed) || cause.exitCode !== errorsLeft) return;
    const message = `'fsck' found errors on device ${device} but could not correct them: ${said(cause)}`;
    throw new AppError('CommandFailed', message);
  }
}

function said(cause: unknown): string {
  if (cause instanceof CommandFailed) return `exit status ${cause.exitCode}: ${cause.stderr}`;
  return cause instanceof Error ? cause.message : String(cause);
}
