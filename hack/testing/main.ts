// hack/test: the stages in order, each a run of tap over its files, and one closing line with the counts of all of them.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { startProgram } from '../../dataplane/exec/system-exec';
import { addCounts, type Counts, failuresOf, judgeRun, noCounts, renderCounts } from './counts';
import { runBatches } from './run-batches';
import { takeTurn } from './turn';
import { watchTests } from './watch';

const root = join(__dirname, '..', '..');
const outputDir = join(root, '.k8ts/test');

interface Stage {
  readonly name: string;
  readonly summary: string;
  readonly folders: readonly string[];
  readonly jobs: number;
  /** One test file may take this long. */
  readonly timeoutSeconds: number;
  /** Creates namespaces, rules and containers. */
  readonly needsRoot?: true;
  /** Left out unless it is named. */
  readonly onlyByName?: true;
  /** A program that the stage runs inside, as a path from the root. */
  readonly inside?: string;
  /** Its files change nothing outside their process that another file could see, so several share one. */
  readonly sharesProcess?: true;
}
const stages: readonly Stage[] = [
  {
    name: 'presubmit',
    summary: 'rules of the repository',
    folders: ['test/presubmit'],
    jobs: 2,
    timeoutSeconds: 60,
    sharesProcess: true,
  },
  {
    name: 'unit',
    summary: 'files next to the code',
    folders: ['agents', 'controlplane', 'dataplane', 'hack', 'test/lib', 'test/history', 'test/traffic'],
    // One more than there are cores: some tests wait for time-outs.
    jobs: availableParallelism() + 1,
    timeoutSeconds: 120,
    sharesProcess: true,
  },
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
    needsRoot: true,
    jobs: 2,
    timeoutSeconds: 600,
  },
  {
    name: 'e2e',
    summary: 'a whole cluster: the tour, clients, failures',
    folders: ['test/e2e'],
    needsRoot: true,
    jobs: 1,
    timeoutSeconds: 900,
  },
  {
    name: 'faults',
    summary: 'requests into a cluster whose parts fail; only when it is named',
    folders: ['test/faults'],
    needsRoot: true,
    jobs: 1,
    timeoutSeconds: 900,
    onlyByName: true,
  },
  {
    name: 'vagrant',
    summary: 'virtual machines by vagrant up; only when it is named, up to an hour',
    folders: ['test/vagrant'],
    needsRoot: true,
    jobs: 1,
    timeoutSeconds: 6 * 3600,
    onlyByName: true,
    inside: 'hack/vm/lab',
  },
];

function help(): string {
  const rows = [['check', 'types and lint'], ...stages.map(({ name, summary }) => [name, summary])];
  const list = rows.map(([name, summary]) => `  ${name!.padEnd(12)} ${summary}\n`).join('');
  return `usage: hack/test [OPTION]... [STAGE|FILE|FOLDER]...

Runs all stages in this order, or only the named ones:
${list}
  --grep=NAME    only the tests whose name contains NAME
  --snapshot     writes the snapshots under test/snapshots again instead of comparing with them
  --watch        runs again, after each change, the test files that import a changed file
  --fuzz=FACTOR  fuzz tests with FACTOR times as many inputs, from a new seed (K8TS_FUZZ_SEED sets it)

Stages ${stages
    .filter(({ needsRoot }) => needsRoot)
    .map(({ name }) => name)
    .join(', ')} need root.
`;
}

interface Options {
  readonly words: readonly string[];
  readonly grep?: string;
  readonly snapshot: boolean;
  readonly watch: boolean;
  readonly fuzz?: string;
}

/** @throws RangeError for an option that does not exist */
function parseOptions(argv: readonly string[]): Options {
  const words = argv.filter((word) => !word.startsWith('-'));
  const options = argv.filter((word) => word.startsWith('-'));
  const value = (name: string) => options.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const unknown = options.find((word) => !/^--(grep=.+|fuzz=.+|snapshot|watch)$/.test(word));
  if (unknown !== undefined) throw new RangeError(`no such option: ${unknown}`);
  const grep = value('grep');
  const fuzz = value('fuzz');
  return {
    words,
    ...(grep !== undefined && { grep }),
    ...(fuzz !== undefined && { fuzz }),
    snapshot: options.includes('--snapshot'),
    watch: options.includes('--watch'),
  };
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
  let options: Options;
  try {
    options = parseOptions(words);
    if (options.fuzz !== undefined) setFuzz(options.fuzz);
  } catch (err) {
    process.stderr.write(`hack/test: ${describeError(err)}\n\n${help()}`);
    return 2;
  }
  const names = ['check', ...stages.map(({ name }) => name)];
  const byDefault = names.filter((name) => !stages.some((stage) => stage.name === name && stage.onlyByName));
  const paths = options.words.filter((word) => !names.includes(word));
  const unknown = paths.find((path) => !existsSync(resolve(path)));
  if (unknown !== undefined) {
    process.stderr.write(`hack/test: no stage and no file: ${unknown}\n\n${help()}`);
    return 2;
  }
  const wanted = options.words.length === 0 ? byDefault : options.words.filter((word) => names.includes(word));
  const files = paths.flatMap((path) => testFiles(relative(root, resolve(path))));
  const refused = rootMissing(wanted, files);
  if (refused !== undefined) {
    process.stderr.write(`hack/test: ${refused}\n`);
    return 2;
  }
  mkdirSync(outputDir, { recursive: true });
  if (options.watch) {
    const watched = stages
      .filter(({ name }) => wanted.includes(name))
      .flatMap(({ folders }) => folders.flatMap(testFiles));
    return watchTests([...watched, ...files], (again) => runTap(filesStage, again, options));
  }
  let counts = noCounts;
  if (wanted.includes('check')) counts = addCounts(counts, await check());
  for (const stage of stages.filter(({ name }) => wanted.includes(name))) {
    counts = addCounts(counts, await runTap(stage, stage.folders.flatMap(testFiles), options));
  }
  if (paths.length > 0) counts = addCounts(counts, await runTap(filesStage, files, options));
  process.stdout.write(`\n${renderCounts(counts)}\n`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

/** Files named one by one. */
const filesStage: Stage = { name: 'files', summary: '', folders: [], jobs: 1, timeoutSeconds: 900 };

/** Why this cannot run without root, if it cannot. */
function rootMissing(names: readonly string[], files: readonly string[]): string | undefined {
  if (process.getuid?.() === 0) return undefined;
  const needing = stages.filter(({ needsRoot }) => needsRoot);
  const stage = needing.find(({ name, folders }) => {
    return names.includes(name) || files.some((file) => folders.some((folder) => file.startsWith(`${folder}/`)));
  });
  return stage && `stage ${stage.name} needs root. Run it with sudo, or run other stages: hack/test unit`;
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
    // The page of the console: its globals are a browser's.
    ['node_modules/.bin/tsc', '-p', 'controlplane/console/web'],
    ['node_modules/.bin/biome', 'check', '.'],
  ];
  let counts = noCounts;
  for (const argv of programs) {
    const startedAt = Date.now();
    const code = await run(argv);
    const name = argv[0]!.split('/').at(-1);
    const what = [name, ...argv.slice(1)].join(' ').replace(/ (?:-p )?\.$/, '');
    process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  check: ${what}  ${seconds(startedAt)}\n`);
    counts = addCounts(counts, code === 0 ? { ...noCounts, passed: 1 } : { ...noCounts, failed: 1 });
  }
  return counts;
}

async function runTap(stage: Stage, files: readonly string[], options: Options): Promise<Counts> {
  if (files.length === 0) {
    process.stdout.write(`FAILED  ${stage.name}: no test files\n`);
    return { ...noCounts, failed: 1 };
  }
  const endTurn = await takeTurn(root, (pid) =>
    process.stdout.write(`another hack/test runs in this checkout (process ${pid}): this one waits for it\n`),
  );
  try {
    return await runTapAlone(stage, files, options);
  } finally {
    await endTurn();
  }
}

async function runTapAlone(stage: Stage, files: readonly string[], options: Options): Promise<Counts> {
  const startedAt = Date.now();
  // tap selects names and writes snapshots by the file that a process runs.
  const isShared = stage.sharesProcess === true && options.grep === undefined && !options.snapshot;
  const print = (failure: string) => void process.stdout.write(`${failure}\n`);
  const counts = isShared
    ? await runBatches(files, { root, outputDir, ...stage }, print)
    : await runFiles(stage, files, options, print);
  const outcome = counts.failed === 0 ? 'ok' : 'FAILED';
  process.stdout.write(
    `${outcome}  ${stage.name}: ${files.length} files, ${renderCounts(counts)}  ${seconds(startedAt)}\n`,
  );
  return counts;
}

/** Each file in a process of its own, by tap's runner. */
async function runFiles(
  stage: Stage,
  files: readonly string[],
  { grep, snapshot }: Options,
  print: (failure: string) => void,
): Promise<Counts> {
  const output = join(outputDir, `${stage.name}.tap`);
  rmSync(output, { force: true });
  const options = [
    ...(grep === undefined ? [] : [`--grep=/${grep.replace(/[\\/^$.*+?()[\]{}|]/g, '\\$&')}/`]),
    ...(snapshot ? ['--snapshot'] : []),
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
  for (const failure of failuresOf(tap)) print(failure);
  const { counts, problem } = judgeRun(tap, code);
  if (problem !== undefined) print(`FAIL ${stage.name}: ${problem}`);
  return counts;
}

async function run(argv: readonly string[], quiet = false): Promise<number> {
  const daemon = await startProgram(argv, { cwd: root, stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'] });
  return (await daemon.exited) ?? 1;
}

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)}s`;

void main(process.argv.slice(2)).then(exitWhenWritten);
