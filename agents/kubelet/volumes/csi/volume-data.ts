// vol_data.json: what a kubelet needs to undo the set-up of a CSI volume when the objects of the API are gone, or after it was started
// again. The keys are upstream's.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../../controlplane/base/errors';
import { dataFile } from './layout';

export interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  /** The name of the PersistentVolume, or of an inline volume in its pod. */
  readonly specVolID?: string;
  readonly nodeName?: string;
  readonly attachmentID?: string;
  readonly volumeLifecycleMode?: 'Persistent' | 'Ephemeral';
  /** Ours: 'true' when the volume stands in Node.status.volumesInUse. */
  readonly attachable?: 'true';
}

/** The files are written by this kubelet alone; a larger one is not one of them. */
const maxBytes = 64 * 1024;

/** On the disk when it resolves: what follows must be undone even after a loss of power. */
export async function saveVolumeData(folder: string, data: VolumeData): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const temporary = join(folder, `.${dataFile}.${randomBytes(4).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(data));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, dataFile));
}

/** Undefined when there is no file. @throws AppError for a file that is not such data */
export async function loadVolumeData(folder: string): Promise<VolumeData | undefined> {
  const path = join(folder, dataFile);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const data = text.length > maxBytes ? undefined : parsed(text);
  if (typeof data?.driverName === 'string' && typeof data.volumeHandle === 'string') return data;
  throw new AppError('Internal', `${path} is not the data of a volume`);
}

function parsed(text: string): VolumeData | undefined {
  try {
    return JSON.parse(text) as VolumeData;
  } catch {
    return undefined;
  }
}
