// Deletes a folder whose content containers created. They can nest folders so deeply that no path leads to the last one, since a
// path has at most 4,095 bytes; rm(1) goes down folder by folder, as unlinkat(2) allows and Node.js does not.
import { rm } from 'node:fs/promises';
import { SystemExec } from '../../../dataplane/exec/system-exec';

/** Nothing happens when the folder does not exist. Other file systems that are mounted below are not deleted. */
export async function removeTree(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw err;
    await removeLargeTree(dir);
  }
}

/** As removeTree, in a process of its own: of a folder with a million files this process would have to hold all names. */
export async function removeLargeTree(dir: string): Promise<void> {
  await new SystemExec().run(['rm', '-rf', '--one-file-system', '--', dir]);
}
