// hack/bench: runs the named benchmarks (all without a name), prints one table, keeps the rows as JSON.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { type BenchRow, ratioOf, renderRows, verdictOf } from './row';

const outputDir = join(__dirname, '..', '..', '.k8ts/bench');

/** Files of this folder that are not benchmarks. */
const frame = new Set(['main', 'row']);

const names = (): string[] =>
  readdirSync(__dirname)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((name) => !frame.has(name) && !name.includes('-'))
    .sort();

async function main(argv: readonly string[]): Promise<number> {
  const known = names();
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(
      `usage: hack/bench [BENCHMARK]...\n       hack/bench BENCHMARK --OPTION=VALUE...\n\nRuns all benchmarks, or the named ones: ${known.join(', ')}\nThe head of a benchmark's file lists its options.\n`,
    );
    return 0;
  }
  const chosen = argv.filter((word) => !word.startsWith('--'));
  const options = argv.filter((word) => word.startsWith('--'));
  if (options.length > 0 && chosen.length !== 1) {
    process.stderr.write('hack/bench: options need the name of one benchmark\n');
    return 2;
  }
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`hack/bench: no benchmark ${JSON.stringify(unknown)}; there are: ${known.join(', ')}\n`);
    return 2;
  }
  let failed = false;
  const all: BenchRow[] = [];
  for (const name of chosen.length > 0 ? chosen : known) {
    process.stdout.write(`running ${name}\n`);
    try {
      const { run } = (await import(`./${name}`)) as { run: (options?: readonly string[]) => Promise<BenchRow[]> };
      const rows = await run(options);
      all.push(...rows);
      keep(name, rows);
    } catch (err) {
      failed = true;
      process.stderr.write(`hack/bench: ${name}: ${describeError(err)}\n`);
    }
  }
  process.stdout.write(`\n${renderRows(all)}`);
  for (const { what, note } of all) if (note) process.stdout.write(`  ${what}: ${note}\n`);
  process.stdout.write(`\nThe rows are kept in .k8ts/bench/\n`);
  return failed ? 1 : 0;
}

/** One file per benchmark and run, with the facts of the machine, so that runs can be compared. */
function keep(name: string, rows: readonly BenchRow[]): void {
  mkdirSync(outputDir, { recursive: true });
  const at = new Date().toISOString();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryMiB: Math.round(totalmem() / 1024 / 1024) };
  const results = rows.map((row) => ({ ...row, ratio: ratioOf(row), verdict: verdictOf(row) }));
  writeFileSync(
    join(outputDir, `${name}-${at.replaceAll(/[:.]/g, '-')}.json`),
    JSON.stringify({ at, machine, results }, null, 2),
  );
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/bench: ${describeError(err)}\n`);
  process.exit(1);
});
