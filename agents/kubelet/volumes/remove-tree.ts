// Deletes a folder whose content was made by containers. They can nest folders so deeply that no path leads to the last one, since a
// path has at most 4,095 bytes; rm(1) goes down folder by folder, as unlinkat(2) allows and Node.js does not.
import { rm } from 'node:fs/promises';
import { SystemExec } from '../../../dataplane/exec/system-exec';

/** Nothing happens when it is not there. What other file systems show below is not deleted. */
export async function removeTree(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw err;
    await new SystemExec().run(['rm', '-rf', '--one-file-system', '--', dir]);
  }
}
