// Runs several test files in one process, one after another: most of a small test's time goes into loading modules.
// hack/test puts the names of the files and their time limit into the environment: tap makes folder names of arguments.
// Each file is a subtest of the process, so the results read as those of `tap run`. To a file, its subtest is what `tap` exports.
import { resolve } from 'node:path';
import type { Test } from 'tap';

/** When all files have ended, nothing may keep the process running for longer. */
const exitMs = 20_000;

async function main(files: readonly string[], timeoutSeconds: number): Promise<void> {
  // tap names the folders of tests by the script, and the path of a Unix socket in such a folder may have 107 bytes at most.
  process.argv[1] = 't';
  const { default: tap } = await import('tap');
  // The time limit is one for each file; the process itself has none here: hack/test has one for the batch.
  tap.setTimeout(0);
  const left: string[] = [];
  let before = openResources();
  for (const file of files) {
    await tap.test(file, { timeout: timeoutSeconds * 1000 }, async (t) => {
      exportAsTap(t);
      require(resolve(file));
    });
    const after = openResources();
    if (after.length > before.length) left.push(`${file}: ${after.join(', ')}`);
    before = after;
  }
  setTimeout(() => {
    tap.fail('the process runs on after its tests', { openAfter: left });
    process.exit(1);
  }, exitMs).unref();
}

/** What keeps the process running, but for its outputs. */
const openResources = (): string[] => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');

/** `import t from 'tap'` gives the subtest to the file that is loaded next. */
function exportAsTap(t: Test): void {
  require.cache[require.resolve('tap')]!.exports = { __esModule: true, default: t };
}

void main(process.env['K8TS_TEST_FILES']!.split(' '), Number(process.env['K8TS_TEST_TIMEOUT']));
