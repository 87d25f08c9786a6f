// hack/test --watch: after each change of a source file, runs the test files that import it. Ends with the process.
import { watch } from 'node:fs';
import { join } from 'node:path';
import { readSources, root } from '../../test/presubmit/sources';
import { affectedTests } from './affected';

const folders = ['agents', 'controlplane', 'dataplane', 'hack', 'test'];
/** An editor writes a file in several steps. */
const quietMs = 150;

/** @param run runs test files and prints their results */
export async function watchTests(
  tests: readonly string[],
  run: (tests: readonly string[]) => Promise<unknown>,
): Promise<never> {
  const changed = new Set<string>();
  let wake = () => {};
  for (const folder of folders) {
    watch(join(root, folder), { recursive: true }, (_event, name) => {
      if (name?.endsWith('.ts') !== true) return;
      changed.add(`${folder}/${name}`);
      wake();
    });
  }
  process.stdout.write(`watching ${tests.length} test files; end with Ctrl-C\n`);
  for (;;) {
    if (changed.size === 0) await new Promise<void>((resolve) => (wake = resolve));
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    const files = readSources().map(({ path, imports }) => ({
      path,
      targets: imports.flatMap(({ target }) => (target === undefined ? [] : [target])),
    }));
    const affected = affectedTests(files, tests, new Set(changed));
    changed.clear();
    if (affected.length > 0) await run(affected);
  }
}
