// Keeps the snapshots of a test file under test/snapshots, by the path of the test. tap's default is a folder at the top level.
import { join, relative } from 'node:path';
import type { Test } from 'tap';

const root = join(__dirname, '..', '..');

/** Call it once with the file's own `t`, before its tests. `hack/test --snapshot FILE` writes the snapshots again. */
export function keepSnapshots(t: Test, testFile: string): void {
  t.snapshotFile = join(root, 'test/snapshots', `${relative(root, testFile)}.cjs`);
}
