// hack/test: the stages in order, each a run of tap over its files, and one closing line with the counts of all of them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { startProgram } from '../../dataplane/exec/system-exec';
import { addCounts, type Counts, countsOf, failuresOf, noCounts, renderCounts } from './counts';

const root = join(__dirname, '..', '..');
const outputDir = join(root, '.k8ts/test');

interface Stage {
  readonly name: string;
  readonly summary: string;
  readonly folders: readonly string[];
  readonly jobs: number;
  /** One test file may take this long. */
  readonly timeoutSeconds: number;
  /** Left out unless it is named. */
  readonly onlyByName?: true;
  /** A program that the stage runs inside, as a path from the root. */
  readonly inside?: string;
}
const stages: readonly Stage[] = [
  { name: 'presubmit', summary: 'rules of the repository', folders: ['test/presubmit'], jobs: 2, timeoutSeconds: 60 },
  {
    name: 'unit',
    summary: 'beside the code',
    folders: ['agents', 'controlplane', 'dataplane', 'hack'],
    jobs: 2,
    timeoutSeconds: 120,
  },
  { name: 'contract', summary: 'one suite per port', folders: ['test/contract'], jobs: 2, timeoutSeconds: 120 },
  {
    name: 'integration',
    summary: 'several parts in one process',
    folders: ['test/integration'],
    jobs: 2,
    timeoutSeconds: 180,
  },
  {
    name: 'kernel',
    summary: 'real namespaces, rules and containers',
    folders: ['test/kernel'],
    jobs: 2,
    timeoutSeconds: 600,
  },
  {
    name: 'e2e',
    summary: 'a whole cluster: the tour, clients, failures',
    folders: ['test/e2e'],
    jobs: 1,
    timeoutSeconds: 900,
  },
  {
    name: 'vagrant',
    summary: 'virtual machines by vagrant up; only when it is named, up to an hour',
    folders: ['test/vagrant'],
    jobs: 1,
    timeoutSeconds: 6 * 3600,
    onlyByName: true,
    inside: 'hack/vm/lab',
  },
];

function help(): string {
  const rows = [['check', 'types and lint'], ...stages.map(({ name, summary }) => [name, summary])];
  const list = rows.map(([name, summary]) => `  ${name!.padEnd(12)} ${summary}\n`).join('');
  return `usage: hack/test [--fuzz=FACTOR] [STAGE|FILE|FOLDER]...\n\nRuns the stages in this order, or those named:\n${list}\n  --fuzz=FACTOR  fuzz tests with FACTOR times as many inputs, from a seed of its own (K8TS_FUZZ_SEED sets it)\n`;
}

/** Fuzz tests read both in test/lib/fuzz.ts. @throws RangeError */
function setFuzz(factor: string): void {
  if (!/^[1-9]\d{0,3}$/.test(factor)) throw new RangeError('--fuzz takes a whole number from 1 to 9999');
  process.env['K8TS_FUZZ_FACTOR'] = factor;
  process.env['K8TS_FUZZ_SEED'] ??= String(Date.now() % 1_000_000_000);
  process.stdout.write(`fuzz tests: K8TS_FUZZ_SEED=${process.env['K8TS_FUZZ_SEED']}\n`);
}

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(help());
    return 0;
  }
  const fuzzOption = '--fuzz=';
  const argv = words.filter((word) => !word.startsWith(fuzzOption));
  const factor = words.find((word) => word.startsWith(fuzzOption))?.slice(fuzzOption.length);
  try {
    if (factor !== undefined) setFuzz(factor);
  } catch (err) {
    process.stderr.write(`hack/test: ${describeError(err)}\n\n${help()}`);
    return 2;
  }
  const names = ['check', ...stages.map(({ name }) => name)];
  const byDefault = names.filter((name) => !stages.some((stage) => stage.name === name && stage.onlyByName));
  const paths = argv.filter((arg) => !names.includes(arg));
  const unknown = paths.find((path) => !existsSync(resolve(path)));
  if (unknown !== undefined) {
    process.stderr.write(`hack/test: no stage and no file: ${unknown}\n\n${help()}`);
    return 2;
  }
  mkdirSync(outputDir, { recursive: true });
  const wanted = argv.length === 0 ? byDefault : argv.filter((arg) => names.includes(arg));
  let counts = noCounts;
  if (wanted.includes('check')) counts = addCounts(counts, await check());
  for (const stage of stages.filter(({ name }) => wanted.includes(name))) {
    counts = addCounts(counts, await runTap(stage, stage.folders.flatMap(testFiles)));
  }
  if (paths.length > 0) {
    const files = paths.flatMap((path) => testFiles(relative(root, resolve(path))));
    counts = addCounts(
      counts,
      await runTap({ name: 'files', summary: '', folders: [], jobs: 1, timeoutSeconds: 900 }, files),
    );
  }
  process.stdout.write(`\n${renderCounts(counts)}\n`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

function testFiles(path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(path, file))
    .sort();
}

async function check(): Promise<Counts> {
  const programs = [
    ['node_modules/.bin/tsc', '-p', '.'],
    ['node_modules/.bin/biome', 'check', '.'],
  ];
  let counts = noCounts;
  for (const argv of programs) {
    const startedAt = Date.now();
    const code = await run(argv);
    const name = argv[0]!.split('/').at(-1);
    process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  check: ${name}  ${seconds(startedAt)}\n`);
    counts = addCounts(counts, code === 0 ? { ...noCounts, passed: 1 } : { ...noCounts, failed: 1 });
  }
  return counts;
}

async function runTap(stage: Stage, files: readonly string[]): Promise<Counts> {
  if (files.length === 0) return noCounts;
  const startedAt = Date.now();
  const output = join(outputDir, `${stage.name}.tap`);
  rmSync(output, { force: true });
  const options = [
    '--disable-coverage',
    '--reporter=tap',
    '--no-color',
    `--jobs=${stage.jobs}`,
    `--timeout=${stage.timeoutSeconds}`,
    `--output-file=${output}`,
  ];
  const inside = stage.inside === undefined ? [] : [stage.inside];
  const code = await run([...inside, 'node_modules/.bin/tap', 'run', ...options, ...files], true);
  const tap = existsSync(output) ? readFileSync(output, 'utf8') : '';
  let counts = countsOf(tap);
  for (const failure of failuresOf(tap)) process.stdout.write(`${failure}\n`);
  // A run that ends badly without a failed assertion, such as a crash of the runner, must not look well.
  if (code !== 0 && counts.failed === 0) counts = { ...counts, failed: 1 };
  const outcome = counts.failed === 0 ? 'ok' : 'FAILED';
  process.stdout.write(
    `${outcome}  ${stage.name}: ${files.length} files, ${renderCounts(counts)}  ${seconds(startedAt)}\n`,
  );
  return counts;
}

async function run(argv: readonly string[], quiet = false): Promise<number> {
  const daemon = await startProgram(argv, { cwd: root, stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'] });
  return (await daemon.exited) ?? 1;
}

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)}s`;

void main(process.argv.slice(2)).then((code) => process.exit(code));
