// Makes right histories from a seed, for tests of the checks: a store in memory, clients whose requests overlap, answers that get
// lost, servers whose caches are behind, pages, and watches. Time is a counter. Pure.
import { Random } from '../random';
import type { Get, History, List, Operation, Page, Seen, Watch, WatchEvent, Write } from './history';

export interface SimulationSize {
  readonly steps: number;
  readonly clients: number;
  readonly servers: number;
  /** Names of each resource and namespace. */
  readonly names: number;
}
const defaultSize: SimulationSize = { steps: 400, clients: 4, servers: 2, names: 3 };

const scopes = ['configmaps/a/', 'configmaps/b/', 'services/a/', 'services/b/', 'configmaps/', 'services/'];
const namespaces = scopes.slice(0, 4);
const start = 100;
/** More than there are Services, so that an address is free for each. */
const addresses = (names: number) => Array.from({ length: 2 * names + 2 }, (_, i) => `clusterip/10.96.0.${i + 1}`);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Request = Mutable<Write> | Mutable<Get> | (Mutable<List> & { pages: Page[] });
interface Pending {
  readonly request: Request;
  isDone: boolean;
  /** Of a list with pages that go on. */
  after?: string;
}
interface LogEvent {
  readonly at: number;
  readonly type: WatchEvent['type'];
  readonly object: Seen;
}

export function simulate(seed: number, size: Partial<SimulationSize> = {}): History {
  return new Simulation(new Random(seed), { ...defaultSize, ...size }).run();
}

class Simulation {
  private now = 0;
  private revision = start;
  private serial = 0;
  private readonly state = new Map<string, Seen>();
  private readonly log: LogEvent[] = [];
  private readonly pending: (Pending | undefined)[];
  /** How far the cache of each server is. */
  private readonly caches: number[];
  private readonly operations: Operation[] = [];
  private readonly open: {
    watch: Mutable<Watch> & { events: (WatchEvent | { at: number; type: 'BOOKMARK'; revision: number })[] };
    sent: number;
  }[] = [];

  constructor(
    private readonly random: Random,
    private readonly size: SimulationSize,
  ) {
    this.pending = Array.from({ length: size.clients }, () => undefined);
    this.caches = Array.from({ length: size.servers }, () => start);
  }

  run(): History {
    const { random } = this;
    for (const scope of ['configmaps/', 'services/']) this.openWatch(-1, scope, start);
    for (let step = 0; step < this.size.steps; step++) {
      this.now += random.between(1, 5);
      const client = random.between(0, this.size.clients - 1);
      if (random.chance(0.7)) this.advance(client);
      else if (random.chance(0.6)) this.deliver(random.pick(this.open));
      else if (random.chance(0.3)) this.changeWatches(client);
      else {
        const server = random.between(0, this.size.servers - 1);
        this.caches[server] = random.between(this.caches[server]!, this.revision);
      }
    }
    for (const client of this.pending.keys()) while (this.pending[client]) this.advance(client);
    this.now += 10;
    for (const scope of scopes) {
      const request = this.request(-1, 'list', { scope, match: 'newest', pages: [], final: true }) as Mutable<List> & {
        pages: Page[];
      };
      this.list(request, this.revision);
      this.finish(request, 'done', 200);
    }
    for (const one of [...this.open]) this.closeWatch(one);
    return { start, operations: this.operations };
  }

  private request(client: number, op: string, what: object): Request {
    const server = client < 0 ? 0 : this.random.between(0, this.size.servers - 1);
    return { id: ++this.serial, op, client, server, start: this.now, ...what } as Request;
  }

  private finish(request: Request, outcome: Operation['outcome'], status: number, reason?: string): void {
    this.now += 1;
    Object.assign(request, { outcome, status, end: this.now, ...(reason === undefined ? {} : { reason }) });
    this.operations.push(request);
  }

  /** Begins a request, does it, or answers it. */
  private advance(client: number): void {
    const { random } = this;
    const pending = this.pending[client];
    if (!pending) {
      this.pending[client] = { request: this.choose(client), isDone: false };
    } else if (!pending.isDone) {
      if (random.chance(0.05) && isWrite(pending.request)) {
        this.finish(pending.request, 'unknown', 0, 'lost before it was done');
        this.pending[client] = undefined;
        return;
      }
      pending.isDone = this.perform(pending);
    } else {
      const { request } = pending;
      this.pending[client] = undefined;
      if (request.status === 404 || request.status === 409) {
        this.finish(request, request.op === 'get' ? 'done' : 'refused', request.status, request.reason);
      } else if (isWrite(request) && random.chance(0.08)) {
        delete request.result;
        delete request.deleted;
        this.finish(request, 'unknown', 0, 'the answer was lost');
      } else this.finish(request, 'done', 200);
    }
  }

  private choose(client: number): Request {
    const { random } = this;
    const op = random.weighted({ create: 4, update: 4, patch: 2, delete: 2, get: 3, list: 3 });
    const scope = random.pick(namespaces);
    const key = `${scope}${random.between(1, this.size.names)}`;
    if (op === 'get') return this.request(client, op, { key, match: random.pick(['newest', 'any']) });
    if (op === 'list') {
      const match = random.pick(['newest', 'any', 'notOlderThan', 'exact'] as const);
      const revision =
        match === 'exact' || match === 'notOlderThan' ? { revision: random.between(start, this.revision) } : {};
      const limit = match !== 'any' && random.chance(0.5) ? { limit: random.between(1, 3) } : {};
      return this.request(client, op, { scope: random.pick(scopes), match, ...revision, ...limit, pages: [] });
    }
    const known = this.state.get(key)?.revision ?? this.revision;
    const expected =
      op === 'update' || (op === 'delete' && random.chance(0.5))
        ? { expected: random.chance(0.8) ? known : known - 1 }
        : {};
    return this.request(client, op, { key, ...(op === 'delete' ? {} : { value: `v${this.serial + 1}` }), ...expected });
  }

  /** Returns whether the request is done; a list goes on with its next page. */
  private perform(pending: Pending): boolean {
    const { request } = pending;
    const refuse = (status: number, reason: string) => Object.assign(request, { status, reason });
    if (request.op === 'list') return this.page(pending, request);
    const cache = this.caches[request.server]!;
    if (request.op === 'get') {
      const found = this.stateAt(request.match === 'any' ? cache : this.revision).get(request.key);
      if (found) request.result = found;
      else refuse(404, 'NotFound');
      this.catchUp(request.server, found?.revision);
      return true;
    }
    const { key, op, expected } = request;
    const current = this.state.get(key);
    if (op === 'create' && current) refuse(409, 'AlreadyExists');
    else if (op !== 'create' && !current) refuse(404, 'NotFound');
    else if (expected !== undefined && current?.revision !== expected) refuse(409, 'Conflict');
    else this.write(request, current);
    return true;
  }

  private write(request: Mutable<Write>, current: Seen | undefined): void {
    const { key, op, value = '' } = request;
    this.revision += this.random.between(1, 3);
    const { revision } = this;
    if (op === 'delete') {
      this.state.delete(key);
      request.deleted = current!.uid;
      this.log.push({ at: this.now, type: 'DELETED', object: { ...current!, revision } });
      return;
    }
    const held = new Set([...this.state.values()].flatMap(({ claims = [] }) => claims));
    const free = addresses(this.size.names).filter((claim) => !held.has(claim));
    const isService = key.startsWith('services/');
    const claims = isService ? { claims: current?.claims ?? [this.random.pick(free)] } : {};
    const object = { key, revision, value, uid: current?.uid ?? `u${revision}`, ...claims };
    this.state.set(key, object);
    request.result = object;
    this.log.push({ at: this.now, type: current ? 'MODIFIED' : 'ADDED', object });
    this.catchUp(request.server, revision);
  }

  private page(pending: Pending, request: Mutable<List> & { pages: Page[] }): boolean {
    const { match, revision = 0 } = request;
    const [first] = request.pages;
    const cache = this.caches[request.server]!;
    const at =
      first?.revision ??
      { newest: this.revision, any: cache, notOlderThan: Math.max(revision, cache), exact: revision }[match];
    this.list(request, at, pending.after);
    this.catchUp(request.server, at);
    const last = request.pages.at(-1)!;
    const { key } = last.items.at(-1) ?? {};
    if (last.more && key !== undefined) pending.after = key;
    return !last.more;
  }

  private list(request: Mutable<List> & { pages: Page[] }, revision: number, after = ''): void {
    const { scope, limit = Number.POSITIVE_INFINITY } = request;
    const all = [...this.stateAt(revision).values()].filter(({ key }) => key.startsWith(scope) && key > after);
    const items = all.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit);
    this.now += 1;
    request.pages.push({ start: this.now - 1, end: this.now, revision, items, more: all.length > items.length });
  }

  private catchUp(server: number, revision = 0): void {
    this.caches[server] = Math.max(this.caches[server]!, revision);
  }

  private stateAt(revision: number): Map<string, Seen> {
    const state = new Map<string, Seen>();
    for (const { type, object } of this.log) {
      if (object.revision > revision) break;
      if (type === 'DELETED') state.delete(object.key);
      else state.set(object.key, object);
    }
    return state;
  }

  private changeWatches(client: number): void {
    const { random } = this;
    const closable = this.open.slice(2);
    if (closable.length > 3) {
      this.closeWatch(random.pick(closable));
      return;
    }
    const scope = random.pick(scopes);
    if (random.chance(0.7)) {
      this.openWatch(client, scope, random.between(start, this.revision));
      return;
    }
    const initial = [...this.stateAt(this.revision).values()].filter(({ key }) => key.startsWith(scope));
    this.openWatch(client, scope, this.revision, initial);
  }

  private openWatch(client: number, scope: string, from: number, initial?: readonly Seen[]): void {
    const watch = {
      id: ++this.serial,
      op: 'watch' as const,
      client,
      server: 0,
      start: this.now,
      end: 0,
      outcome: 'done' as const,
      status: 200,
      scope,
      from,
      events: [],
    };
    const sent = this.log.findIndex(({ object }) => object.revision > from);
    this.open.push({ watch: initial ? { ...watch, initial } : watch, sent: sent < 0 ? this.log.length : sent });
  }

  private deliver(one: (typeof this.open)[number], all = false): void {
    const count = all ? this.log.length : this.random.between(1, 4);
    for (let i = 0; i < count && one.sent < this.log.length; one.sent++) {
      const { type, object } = this.log[one.sent]!;
      if (!object.key.startsWith(one.watch.scope)) continue;
      i++;
      this.now += 1;
      one.watch.events.push({ at: this.now, type, object });
      this.catchUp(one.watch.server, object.revision);
    }
    if (one.sent === this.log.length) {
      one.watch.events.push({ at: this.now, type: 'BOOKMARK', revision: this.revision });
      this.catchUp(one.watch.server, this.revision);
    }
  }

  private closeWatch(one: (typeof this.open)[number]): void {
    this.deliver(one, one.watch.client < 0);
    this.now += 1;
    one.watch.end = this.now;
    this.open.splice(this.open.indexOf(one), 1);
    this.operations.push(one.watch);
  }
}

const isWrite = (request: Request): request is Mutable<Write> => request.op !== 'get' && request.op !== 'list';
