// Keeps log files bounded. Writers hold their file open for appending, so rotation copies the content and truncates the file.
// Lines written between the two steps are lost, which is acceptable once every 16 MiB.
import { copyFileSync, statSync, truncateSync } from 'node:fs';

export const maxLogBytes = 16 * 1024 * 1024;

/** Returns whether the file was rotated into `path`.1. */
export function rotateIfLarge(path: string, maxBytes: number = maxLogBytes): boolean {
  let size: number;
  try {
    size = statSync(path).size;
  } catch {
    return false; // Not written yet.
  }
  if (size < maxBytes) return false;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  return true;
}
