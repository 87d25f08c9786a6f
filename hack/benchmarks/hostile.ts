// The longest turn of an event loop under each hostile input: no request of a user may hold it for more than 50 ms, or 200 ms for
// bodies near a limit (3 MB, 20,000 fields and items) and answers of megabytes. The API server is a process of its own; an
// independent prober sends requests to it during the input. Inputs of other processes are measured as one call each.
// options: --only=TEXT (inputs whose name contains it), --rounds=N (default 3; the shortest of the longest turns counts, since a
// busy machine only makes them longer)
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maxJsonValues } from '../../controlplane/api/json-text';
import { BadRequest, Unavailable } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { startApi } from './api-server';
import { definitionInputs, definitionsPath, seededCustomObjects, seededDefinitions } from './hostile-definitions';
import { apiInputs } from './hostile-inputs';
import { parserInputs } from './hostile-parsers';
import { Prober } from './hostile-prober';
import { type HostileInput, namespace } from './hostile-request';
import type { BenchRow } from './row';

const defaultRounds = 3;
const smallBoundMs = 50;
/** A body of at least this size counts as near its limit of 3 MB, or of fields and items. */
const nearLimitBytes = 1_000_000;
const nearLimitValues = maxJsonValues / 2;
const seededMaps = 3_000;
const answerMs = 120_000;

interface Answer {
  readonly status: number | string;
  readonly tookMs: number;
}

class Client {
  private readonly agent: Agent;

  constructor(private readonly connection: ConnectionOptions) {
    const { ca, cert, key } = connection;
    this.agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 8 });
  }

  send(input: Omit<HostileInput, 'name' | 'body'> & { readonly body?: Buffer }): Promise<Answer> {
    const { method, path, type, headers = {}, body, stream } = input;
    const start = performance.now();
    return new Promise((resolve) => {
      const done = (status: number | string) => resolve({ status, tookMs: performance.now() - start });
      const call = request(`${this.connection.server}${path}`, {
        method,
        agent: this.agent,
        timeout: answerMs,
        headers: {
          accept: 'application/json',
          ...(body ? { 'content-type': type, 'content-length': body.length } : {}),
          ...headers,
        },
      });
      call.on('response', (response) => {
        response.on('data', () => {});
        response.on('end', () => done(response.statusCode ?? 0));
        response.on('error', () => {});
        response.on('close', () => done(response.statusCode ?? 0));
        // A watch does not end: a second is enough for its beginning.
        if (stream) setTimeout(() => response.destroy(), 1_000);
      });
      call.on('timeout', () => call.destroy());
      call.on('error', (err) => done((err as NodeJS.ErrnoException).code ?? err.message));
      call.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export async function run(options: readonly string[] = []): Promise<BenchRow[]> {
  const { only, rounds } = readOptions(options);
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-hostile-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const inputs = [...apiInputs, ...definitionInputs].filter(({ name }) => name.includes(only));
    const rows = inputs.length === 0 ? [] : await measureApi(scope, directory, inputs, rounds);
    return [
      ...rows,
      ...parserInputs.filter(({ name }) => name.includes(only)).map((input) => measureParser(input, rounds)),
    ];
  } finally {
    await scope.close();
  }
}

/** @throws BadRequest */
function readOptions(options: readonly string[]): { readonly only: string; readonly rounds: number } {
  const given = new Map(options.map((option) => option.replace(/^--/, '').split('=', 2) as [string, string]));
  const rounds = Number(given.get('rounds') ?? defaultRounds);
  const unknown = [...given.keys()].find((name) => name !== 'only' && name !== 'rounds');
  if (unknown !== undefined) throw new BadRequest(`no option --${unknown}; there are --only=TEXT and --rounds=N`);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new BadRequest('--rounds takes a number from 1 to 100');
  return { only: given.get('only') ?? '', rounds };
}

async function measureApi(
  scope: Scope,
  directory: string,
  inputs: readonly HostileInput[],
  rounds: number,
): Promise<BenchRow[]> {
  const { connection } = await startApi(scope, directory, []);
  const client = new Client(connection);
  scope.defer(() => client.close());
  await seed(client);
  const prober = await Prober.start(connection);
  scope.defer(() => prober.end());
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const rows: BenchRow[] = [
    await measureApiInput(prober, client, { name: 'only the prober', method: 'GET', path: '/version' }, rounds),
  ];
  for (const input of inputs) rows.push(await measureApiInput(prober, client, input, rounds));
  return rows;
}

async function measureApiInput(prober: Prober, client: Client, input: HostileInput, rounds: number): Promise<BenchRow> {
  const body = input.body?.();
  let longest = Number.POSITIVE_INFINITY;
  let worst = 0;
  let answer: Answer = { status: 'none', tookMs: 0 };
  // The first request warms up the JIT compiler; a real attacker sends many.
  for (let round = 0; round < rounds; round++) {
    const turn = await prober.during(async () => {
      answer = await client.send({ ...input, ...(body ? { body } : {}) } as Parameters<Client['send']>[0]);
    });
    longest = Math.min(longest, turn);
    worst = Math.max(worst, turn);
  }
  const size = body === undefined ? '' : `${Math.round(body.length / 1_000)} kB, `;
  const row = rowOf(
    input.name,
    longest,
    boundOf(input, body),
    `${size}answered ${answer.status} after ${Math.round(answer.tookMs)} ms, ${Math.round(worst)} ms in the worst round`,
  );
  process.stdout.write(
    `${row.ours > row.theirs! ? 'OVER' : 'ok  '} ${String(Math.round(row.ours)).padStart(6)} ms  ${input.name}: ${row.note}\n`,
  );
  return row;
}

function measureParser({ name, prepare }: (typeof parserInputs)[number], rounds: number): BenchRow {
  let shortest = Number.POSITIVE_INFINITY;
  let answer = 'taken';
  for (let round = 0; round < rounds; round++) {
    const parse = prepare();
    const start = performance.now();
    try {
      parse();
    } catch {
      answer = 'refused';
    }
    shortest = Math.min(shortest, performance.now() - start);
  }
  return rowOf(name, shortest, smallBoundMs, answer);
}

/** A body far from the limit always has the small bound; a list has the bound of its answer. */
const boundOf = ({ bound }: HostileInput, body: Buffer | undefined): number =>
  body && body.length < nearLimitBytes && valuesIn(body) < nearLimitValues ? smallBoundMs : (bound ?? smallBoundMs);

/** About the number of fields and items that the server counts. */
const valuesIn = (body: Buffer): number => body.toString('latin1').split(/[,[{]/).length;

const rowOf = (what: string, ours: number, bound: number, note: string): BenchRow => ({
  what,
  unit: 'ms',
  ours,
  peer: 'bound',
  theirs: bound,
  budget: { max: 1 },
  note,
});

/** Creates objects for lists, and one target for patches. */
async function seed(client: Client): Promise<void> {
  const create = async (path: string, object: object): Promise<void> => {
    const body = Buffer.from(JSON.stringify(object));
    const { status } = await client.send({ method: 'POST', path, type: 'application/json', body });
    // Without objects, lists would look fast.
    if (status !== 201) throw new Unavailable(`the server answered ${status} to the creation of a first object`);
  };
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c0', image: 'i' }] } };
  await create('/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'target' },
    spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template },
  });
  for (const { object, path } of seededDefinitions) {
    await create(definitionsPath, object);
    await served(client, path);
  }
  for (const { object, path } of seededCustomObjects) await create(path, object);
  const data = { text: 'x'.repeat(500) };
  for (let i = 0; i < seededMaps; i += 50) {
    const names = Array.from({ length: 50 }, (_, k) => `m${i + k}`);
    await Promise.all(
      names.map((name) => create(`${namespace}/configmaps`, { metadata: { name, labels: { app: name } }, data })),
    );
  }
}

/** Resolves when the kind of a definition is served. @throws Unavailable */
async function served(client: Client, path: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if ((await client.send({ method: 'GET', path })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Unavailable(`${path} is not served`);
}
