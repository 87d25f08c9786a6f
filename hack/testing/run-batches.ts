// Runs test files in shared processes, several at a time. hack/testing/batch.ts is what runs in each process.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from '../../dataplane/exec/system-exec';
import { batchesOf } from './batches';
import { addCounts, type Counts, failuresOf, judgeRun, noCounts } from './counts';

export interface BatchOptions {
  readonly root: string;
  /** The results go to NAME-0.tap and so on in this folder. */
  readonly outputDir: string;
  readonly name: string;
  readonly jobs: number;
  /** One test file may take this long. */
  readonly timeoutSeconds: number;
}

/** A process that ends no file within its limit is stuck in one: then it is killed. */
const stuckFactor = 3;

/** @param report prints a failure at once, while other batches still run */
export async function runBatches(
  files: readonly string[],
  options: BatchOptions,
  report: (failure: string) => void,
): Promise<Counts> {
  const { root, jobs } = options;
  const batches = batchesOf(files.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })));
  let counts = noCounts;
  const pending = batches.entries();
  const work = async () => {
    for (const [i, batch] of pending) {
      const { tap, code } = await runBatch(i, batch, options);
      for (const failure of failuresOf(tap)) report(failure);
      const verdict = judgeRun(tap, code);
      if (verdict.problem !== undefined)
        report(`FAIL ${options.name}: ${verdict.problem}, in ${lastFile(tap) ?? batch[0]}`);
      counts = addCounts(counts, verdict.counts);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return counts;
}

/** The file whose tests ran when the process ended. */
const lastFile = (tap: string): string | undefined => [...tap.matchAll(/^# Subtest: (.*)$/gm)].at(-1)?.[1];

async function runBatch(
  i: number,
  batch: readonly string[],
  { root, outputDir, name, timeoutSeconds }: BatchOptions,
): Promise<{ tap: string; code: number }> {
  const path = join(outputDir, `${name}-${i}.tap`);
  const output = openSync(path, 'w');
  try {
    const script = batch.length === 1 ? batch[0]! : 'hack/testing/batch.ts';
    const child = await startProgram([process.execPath, '--import=./hack/lib/ts-node.mjs', script], {
      cwd: root,
      stdio: ['ignore', output, 'inherit'],
      env: {
        K8TS_TEST_FILES: batch.join(' '),
        K8TS_TEST_TIMEOUT: String(timeoutSeconds),
        TAP_TIMEOUT: String(timeoutSeconds),
      },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * stuckFactor * 1000);
    const code = (await child.exited) ?? 1;
    clearTimeout(timer);
    return { tap: readFileSync(path, 'utf8'), code };
  } finally {
    closeSync(output);
  }
}
