// What one client does: requests one after the other, and a watch next to them, all chosen by its own random numbers.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Get, List, Revision, Write } from '../model/history';
import type { Random } from '../random';
import type { Connection } from './connection';
import { type ApiObject, changedObject, namespaces, newObject, patchFor, pathOf, resources } from './objects';
import type { Asker, Recorder } from './recorder';

export interface WorkloadOptions {
  readonly client: number;
  readonly random: Random;
  readonly recorder: Recorder;
  /** One for each server. */
  readonly connections: readonly Connection[];
  /** The revision at the beginning. */
  readonly start: Revision;
  /** Names of each resource and namespace. */
  readonly names: number;
}

/** How often each request is chosen. */
const weights = { create: 3, update: 8, patch: 4, delete: 3, get: 4, list: 3, pages: 2, old: 2 };
/** After a request without an answer: so that a dead server costs no busy loop. */
const restMs = 200;

export class Workload {
  private server: number;
  /** What the client knows of each object, which may be old. */
  private readonly known = new Map<string, ApiObject>();
  private newest: Revision;
  private writes = 0;

  constructor(private readonly options: WorkloadOptions) {
    this.server = options.random.between(0, options.connections.length - 1);
    this.newest = options.start;
  }

  /** Ends soon after the signal is aborted, with no request left. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.watchAgainAndAgain(signal);
    const { random, connections } = this.options;
    while (!signal.aborted) {
      if (connections.length > 1 && random.chance(0.1)) this.server = random.between(0, connections.length - 1);
      const outcome = await this.step();
      if (outcome === 'lost') {
        this.server = random.between(0, connections.length - 1);
        await sleep(restMs);
      }
    }
    await watching;
  }

  private asker(server = this.server): Asker {
    const { client, connections } = this.options;
    return { client, server, connection: connections[server]! };
  }

  private async step(): Promise<'answered' | 'lost'> {
    const { random, names } = this.options;
    const key = `${random.pick(resources)}/${random.pick(namespaces)}/x${random.between(1, names)}`;
    const chosen = random.weighted(weights);
    // A client that does not know the object can only create it, or read it first.
    const choice = chosen === 'update' && !this.known.has(key) ? random.pick(['create', 'get'] as const) : chosen;
    const { status } = await this.request(choice, key);
    return status === 0 ? 'lost' : 'answered';
  }

  private async request(choice: keyof typeof weights, key: string): Promise<Write | Get | List> {
    const { random, recorder, start } = this.options;
    const asker = this.asker();
    switch (choice) {
      case 'get': {
        const { get, object } = await recorder.get(asker, key, random.chance(0.7) ? 'newest' : 'any');
        this.learn(key, object, get.status === 404);
        return get;
      }
      case 'list':
        return this.listed(
          await recorder.list(asker, { scope: this.scope(key), match: random.chance(0.7) ? 'newest' : 'any' }),
        );
      case 'pages': {
        const namespaced = key.slice(0, key.lastIndexOf('/') + 1);
        return this.listed(
          await recorder.list(asker, { scope: namespaced, match: 'newest', limit: random.between(1, 4) }),
        );
      }
      case 'old': {
        const match = random.pick(['exact', 'notOlderThan'] as const);
        const near = random.chance(0.5) ? this.newest : random.between(Math.max(start, this.newest - 500), this.newest);
        return this.listed(await recorder.list(asker, { scope: this.scope(key), match, revision: near }));
      }
      default:
        return this.write(asker, choice, key);
    }
  }

  private scope(key: string): string {
    const [resource, namespace] = key.split('/');
    return this.options.random.chance(0.3) ? `${resource}/` : `${resource}/${namespace}/`;
  }

  private async write(asker: Asker, op: Write['op'], key: string): Promise<Write> {
    const { client, random, recorder } = this.options;
    const value = `${client}.${++this.writes}`;
    const path = pathOf(key);
    const known = this.known.get(key);
    const version = known?.metadata?.resourceVersion;
    const expected = version === undefined ? {} : { expected: Number(version) };
    const send = async (request: Parameters<Recorder['write']>[1]) => {
      const { write, object } = await recorder.write(asker, request);
      this.learn(key, object, write.status === 404 || (op === 'delete' && write.outcome === 'done'));
      // The client reads the object before it tries again, or goes on with what it knows, which then is old.
      if (write.status === 409 && random.chance(0.7)) await this.request('get', key);
      return write;
    };
    if (op === 'patch') {
      const body = patchFor(key, value, random);
      return send({ op, key, value, call: { method: 'PATCH', path, body, type: 'application/merge-patch+json' } });
    }
    if (op === 'delete') {
      const isConditional = known !== undefined && random.chance(0.5);
      const condition = isConditional ? { body: { preconditions: { resourceVersion: version } } } : {};
      return send({ op, key, ...(isConditional ? expected : {}), call: { method: 'DELETE', path, ...condition } });
    }
    if (op === 'update') {
      // Known: see step().
      const body = changedObject(known ?? {}, value, random);
      return send({ op, key, value, ...expected, call: { method: 'PUT', path, body } });
    }
    const collection = path.slice(0, path.lastIndexOf('/'));
    return send({
      op: 'create',
      key,
      value,
      call: { method: 'POST', path: collection, body: newObject(key, value, random) },
    });
  }

  private learn(key: string, object: ApiObject | undefined, isGone: boolean): void {
    if (isGone) this.known.delete(key);
    if (!object) return;
    this.known.set(key, object);
    this.newest = Math.max(this.newest, Number(object.metadata?.resourceVersion));
  }

  private listed(list: List): List {
    for (const { revision } of list.pages) this.newest = Math.max(this.newest, revision);
    return list;
  }

  /** From new and from old revisions, from where the last one ended, and from the present objects. */
  private async watchAgainAndAgain(signal: AbortSignal): Promise<void> {
    const { recorder, start, connections } = this.options;
    const random = this.options.random.fork();
    let last = start;
    let scope = '';
    while (!signal.aborted) {
      const isResumed = scope !== '' && random.chance(0.4);
      if (!isResumed) scope = random.pick(['configmaps/', 'services/', 'configmaps/a/', 'services/b/']);
      const server = random.between(0, connections.length - 1);
      const from = isResumed
        ? last
        : random.pick([this.newest, random.between(Math.max(start, this.newest - 2_000), this.newest), undefined]);
      const timeoutSeconds = random.between(1, 3);
      const request = { scope, timeoutSeconds, ...(from === undefined ? {} : { from }) };
      const watch = await recorder.watch(this.asker(server), request, signal, (revision) => {
        last = revision;
      });
      if (watch.outcome !== 'done') await sleep(restMs);
      if (watch.status === 410) scope = '';
    }
  }
}
