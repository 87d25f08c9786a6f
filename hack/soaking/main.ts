// hack/soak: keeps a cluster busy for a long time, records all its processes, and judges whether they stay flat.

import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, describeError } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { connect } from '../../controlplane/client/connect';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { type Parsed, parseOptions, renderOptions } from '../../controlplane/process/options';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { Api } from '../dev/api';
import { type ClusterPlan, planCluster } from '../dev/plan';
import { readState } from '../dev/state';
import { Load } from './load';
import { Operations } from './operations';
import { soakOptions } from './options';
import { readProcesses } from './processes';
import { isFlat, judgeSamples, renderMemory, renderVerdicts } from './report';
import { parseSamples, renderSample, renderSamples, type Sample } from './samples';

type Options = Parsed<typeof soakOptions>;

const root = join(__dirname, '..', '..');
const scriptTimeoutMs = 600_000;
/** The heap is asked for in every so many samples: the answer costs CPU time. */
const heapEvery = 6;
/** Operations under way at the same time; a slow server gets fewer, not a queue without end. */
const mostUnderWay = 20;

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(
      `Changes objects, watches and traffic of a small cluster for hours, records memory, files and CPU of all its processes, and judges whether they stay flat. Exit status 1: a process grows.\n\nusage: hack/soak [options]\n\n${renderOptions(soakOptions)}`,
    );
    return 0;
  }
  const { options, positional } = parseOptions(soakOptions, argv, {});
  if (positional.length > 0) throw new AppError('BadRequest', `unexpected argument ${positional[0]}; see --help`);
  const output = join(root, options.output);
  if (options.from !== '') return report(parseSamples(readFileSync(options.from, 'utf8')), output, {});
  mkdirSync(output, { recursive: true });
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const scope = new Scope();
  try {
    const plan = await ensureCluster(options, scope);
    const { samples, facts } = await soak(plan, options, output, abort.signal);
    return report(samples, output, facts);
  } finally {
    await scope.close();
  }
}

async function ensureCluster({ name, nodes }: Options, scope: Scope): Promise<ClusterPlan> {
  if (!readState(name)) {
    const directory = mkdtempSync(join(tmpdir(), 'k8ts-soak-'));
    scope.defer(() => rmSync(directory, { recursive: true, force: true }));
    const env = { KUBECONFIG: join(directory, 'config'), NO_COLOR: '1' };
    const script = (file: string, ...args: string[]) =>
      new SystemExec().run([join(root, 'hack', file), '--name', name, ...args], { env, timeoutMs: scriptTimeoutMs });
    scope.defer(() => script('down'));
    await script('up', '--nodes', String(nodes), '--no-demo', '--quiet');
  }
  return planCluster(readState(name)!);
}

async function soak(
  plan: ClusterPlan,
  options: Options,
  output: string,
  signal: AbortSignal,
): Promise<{ readonly samples: readonly Sample[]; readonly facts: Record<string, unknown> }> {
  const load = new Load({
    client: await connect(plan.adminConf),
    namespace: 'soak',
    nodeIps: plan.nodes.map(({ ip }) => ip),
  });
  const api = await Api.open(plan.adminConf);
  await load.open();
  const file = join(output, 'samples.csv');
  writeFileSync(file, renderSamples([]));
  const samples: Sample[] = [];
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  process.stdout.write(`soaking cluster ${plan.name} for ${options.timeSeconds} s; samples go to ${file}\n`);
  const ended = AbortSignal.any([signal, AbortSignal.timeout(options.timeSeconds * 1000)]);
  const record = async (count: number): Promise<void> => {
    const read = await readProcesses({
      plan,
      atSeconds: seconds(),
      stores: options.stores,
      ...(count % heapEvery === 0 ? { heap: api } : {}),
    });
    samples.push(...read);
    appendFileSync(file, read.map((sample) => `${renderSample(sample)}\n`).join(''));
  };
  await Promise.all([
    operate(load, options, ended),
    every(options.intervalSeconds * 1000, ended, record),
    options.scaleSeconds === 0 ? undefined : every(options.scaleSeconds * 1000, ended, (count) => load.scale(count)),
  ]);
  await record(0);
  const took = seconds();
  await load.close();
  const facts = {
    at: new Date(began).toISOString(),
    seconds: Math.round(took),
    nodes: plan.nodes.length,
    rate: options.rate,
    seed: options.seed,
    done: load.done,
    failures: Object.fromEntries(load.failures),
  };
  return { samples, facts };
}

/** Operations at a steady rate until the signal. */
async function operate(load: Load, { rate, seed }: Options, signal: AbortSignal): Promise<void> {
  const operations = new Operations(randomFrom(seed));
  const underWay = new Set<Promise<void>>();
  await every(1000 / rate, signal, async () => {
    if (underWay.size >= mostUnderWay) await Promise.race(underWay);
    const work = load.run(operations.next()).finally(() => underWay.delete(work));
    underWay.add(work);
  });
  await Promise.all(underWay);
  for (const operation of operations.rest()) await load.run(operation);
}

/** Calls `fn` with 0, 1, 2, ... in steps of `ms`; a step that is late is not made up for. */
async function every(ms: number, signal: AbortSignal, fn: (count: number) => Promise<void>): Promise<void> {
  let next = Date.now();
  for (let count = 0; !signal.aborted; count++) {
    await fn(count);
    next = Math.max(next + ms, Date.now() - ms);
    // An aborted sleep ends the loop.
    await sleep(Math.max(0, next - Date.now()), undefined, { signal }).catch(() => {});
  }
}

/** A linear congruential generator: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function report(samples: readonly Sample[], output: string, facts: Record<string, unknown>): number {
  const verdicts = judgeSamples(samples);
  const seconds = samples.at(-1)?.atSeconds ?? 0;
  const share = verdicts.reduce((sum, { cpuShare }) => sum + cpuShare, 0);
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, 'summary.json'), JSON.stringify({ ...facts, verdicts }, null, 2));
  const title = `Memory of the processes of a cluster under load for ${Math.round(seconds / 60)} minutes`;
  writeFileSync(join(output, 'memory.svg'), renderMemory(samples, title));
  process.stdout.write(renderVerdicts(verdicts));
  process.stdout.write(
    `memory and heap in MiB; growth and noise of the second half; all processes together: ${Math.round(share * 100)} % of one core\n`,
  );
  for (const [text, count] of Object.entries((facts['failures'] ?? {}) as Record<string, number>)) {
    process.stdout.write(`failed ${count} times: ${text}\n`);
  }
  const flat = isFlat(verdicts);
  process.stdout.write(`${flat ? 'flat' : 'NOT FLAT'} after ${Math.round(seconds)} s; files are in ${output}\n`);
  return flat ? 0 : 1;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/soak: ${describeError(err)}\n`);
  process.exit(err instanceof AppError && err.code === 'BadRequest' ? 2 : 1);
});
