// hack/history: runs seeds against real servers, checks their histories, and keeps the history of a failure.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BadRequest, describeError } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { exitWhenWritten } from '../../controlplane/process/exit';
import {
  type OptionTable,
  type Parsed,
  parseInteger,
  parseList,
  parseOneOf,
  parseOptions,
  renderOptions,
} from '../../controlplane/process/options';
import { readHistory, writeHistory } from './files';
import { checkHistory } from './model/check';
import { type FaultKind, faultKinds, possibleFaults } from './runner/faults';
import { countOutcomes, type RunResult, runSeed } from './runner/run';

const root = join(__dirname, '../..');
const isRoot = process.getuid?.() === 0;
const signals = ['SIGINT', 'SIGTERM'] as const;
const keptDir = join(root, '.k8ts/history');

function parseFaults(text: string): readonly FaultKind[] | 'all' {
  if (text === 'all') return 'all';
  const words = text === 'none' ? [] : parseList(text);
  const unknown = words.find((word) => !(word in faultKinds));
  if (unknown !== undefined)
    throw new BadRequest(`no such fault: ${unknown}; there are ${Object.keys(faultKinds).join(', ')}`);
  return words as readonly FaultKind[];
}

const options = {
  seed: { flag: 'seed', placeholder: 'N', default: '1', help: 'the first seed', parse: parseInteger(1, 2 ** 31) },
  seeds: {
    flag: 'seeds',
    placeholder: 'COUNT',
    default: '1',
    help: 'how many seeds, one after the other',
    parse: parseInteger(1, 1_000_000),
  },
  store: {
    flag: 'store',
    placeholder: 'STORE',
    default: 'sqlite',
    help: 'sqlite, or etcd: started by the run',
    parse: parseOneOf('sqlite', 'etcd'),
  },
  servers: {
    flag: 'servers',
    placeholder: 'COUNT',
    default: '1',
    help: 'API servers; more than one need etcd',
    parse: parseInteger(1, 5),
  },
  members: {
    flag: 'members',
    placeholder: 'COUNT',
    default: '1',
    help: 'members of etcd: 1 on loopback, or as many as servers, each pair in a network namespace of its own (root)',
    parse: parseInteger(1, 5),
  },
  faults: {
    flag: 'faults',
    placeholder: 'LIST',
    default: 'all',
    help: 'all that are possible here, none, or kinds of faults, comma-joined',
    parse: parseFaults,
  },
  time: {
    flag: 'time',
    placeholder: 'SECONDS',
    default: '6',
    help: 'how long the clients of a seed work',
    parse: parseInteger(1, 3_600),
  },
  clients: {
    flag: 'clients',
    placeholder: 'COUNT',
    default: '8',
    help: 'clients that work at once',
    parse: parseInteger(1, 200),
  },
  check: {
    flag: 'check',
    placeholder: 'FILE',
    default: '',
    help: 'only checks a history that was kept',
    parse: (text: string) => text,
  },
} satisfies OptionTable;
type Options = Parsed<typeof options>;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function help(): string {
  const rows = Object.entries(faultKinds).map(([kind, what]) => `  ${kind.padEnd(13)} ${what}\n`);
  return `usage: hack/history [OPTION]...

Starts API servers, lets clients work on them while faults happen, and checks the recorded history (test/history/README.md).
A failing seed is repeated by the same command.

${renderOptions(options)}
Faults:
${rows.join('')}
Examples:
  hack/history --seeds 20
  hack/history --seed 17 --store etcd --servers 3 --faults kill,freeze
  hack/history --seeds 20 --store etcd --servers 3 --members 3
`;
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(help());
    return 0;
  }
  let parsed: Options;
  try {
    parsed = parseOptions(options, argv, {}).options;
    if (parsed.servers > 1 && parsed.store === 'sqlite')
      throw new BadRequest('--servers: several servers need --store etcd');
    if (parsed.members > 1) checkMembers(parsed);
  } catch (error) {
    process.stderr.write(`hack/history: ${describeError(error)}\n`);
    return 2;
  }
  return parsed.check === '' ? runSeeds(parsed) : checkFile(parsed.check);
}

function checkMembers({ store, servers, members }: Options): void {
  if (store !== 'etcd') throw new BadRequest('--members: several members need --store etcd');
  if (members !== servers)
    throw new BadRequest(`--members: each member has a server of its own; give --servers ${members} too`);
  if (!isRoot) throw new BadRequest('--members: several members are in network namespaces, which needs root');
}

async function runSeeds({
  seed: first,
  seeds,
  store,
  servers,
  members,
  faults: wanted,
  time: seconds,
  clients,
}: Options): Promise<number> {
  const possible = possibleFaults({ store, isRoot, members });
  const faults = wanted === 'all' ? possible : wanted;
  const impossible = faults.filter((kind) => !possible.includes(kind));
  if (impossible.length > 0) {
    process.stderr.write(
      `hack/history: not possible with this store and these members, or without root: ${impossible.join(', ')}\n`,
    );
    return 2;
  }
  const setting = { store, servers, members, seconds, faults, clients };
  const totals = new Map<string, number>();
  const failed: number[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const scope = new Scope();
    const leave = closeOnSignal(scope);
    const result = await runSeed({ seed, ...setting }, scope).catch((error: unknown) => {
      say(`seed ${seed}: could not be run: ${describeError(error)}`);
      return undefined;
    });
    leave();
    if (!result) {
      failed.push(seed);
      continue;
    }
    const { history, problems } = result;
    const counts = countOutcomes(history.operations);
    for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
    for (const [kind, count] of Object.entries(result.faults))
      totals.set(`fault ${kind}`, (totals.get(`fault ${kind}`) ?? 0) + count);
    const verdict = problems.length === 0 ? 'ok' : `${problems.length} problems`;
    say(
      `seed ${seed}: ${history.operations.length} operations, ${renderCounts(Object.entries(result.faults)) || 'no faults'}: ${verdict}`,
    );
    if (problems.length === 0) continue;
    failed.push(seed);
    for (const { check, message } of problems.slice(0, 20)) say(`  ${check}: ${message}`);
    say(
      `  kept: ${relative(process.cwd(), keep([store, servers, ...(members > 1 ? ['members'] : []), seed].join('-'), result))}`,
    );
    say(
      `  again: hack/history --seed ${seed} --store ${store} --servers ${servers} --members ${members} --time ${seconds} --faults ${faults.join(',') || 'none'} --clients ${clients}`,
    );
  }
  say(
    `\n${seeds} seeds on ${store} with ${servers} servers${members > 1 ? ` and ${members} members` : ''}, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
  );
  say(renderCounts([...totals].sort()));
  return failed.length > 0 ? 1 : 0;
}

/** So that processes, namespaces and folders of a run do not outlive it. Returns what ends this. */
function closeOnSignal(scope: Scope): () => void {
  const close = () => void scope.close().finally(() => process.exit(1));
  for (const signal of signals) process.once(signal, close);
  return () => {
    for (const signal of signals) process.off(signal, close);
  };
}

const renderCounts = (counts: readonly (readonly [string, number])[]): string =>
  counts.map(([name, count]) => `${name} ${count}`).join(', ');

/** Returns the path of the history; the logs of the processes lie next to it. */
function keep(name: string, { history, problems, logs }: RunResult): string {
  const folder = join(keptDir, name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'history.jsonl');
  writeHistory(path, history);
  writeFileSync(join(folder, 'problems.txt'), problems.map(({ check, message }) => `${check}: ${message}\n`).join(''));
  for (const [process, text] of Object.entries(logs)) writeFileSync(join(folder, `${process}.log`), text);
  return path;
}

function checkFile(path: string): number {
  const history = readHistory(path);
  const start = performance.now();
  const problems = checkHistory(history);
  for (const { check, message } of problems) say(`${check}: ${message}`);
  say(
    `${history.operations.length} operations, ${problems.length} problems, checked in ${Math.round(performance.now() - start)} ms`,
  );
  return problems.length > 0 ? 1 : 0;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (error: unknown) => {
  process.stderr.write(`hack/history: ${describeError(error)}\n`);
  process.exit(1);
});
