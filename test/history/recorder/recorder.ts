// Sends the requests of clients and records each with its answer and times.
import type {
  Bookmark,
  Get,
  List,
  Operation,
  Outcome,
  Page,
  Revision,
  Seen,
  Watch,
  WatchEvent,
  Write,
} from '../model/history';
import { type Answer, type Call, type Connection, NoAnswer } from './connection';
import { type ApiObject, pathOf, seenOf } from './objects';

export interface Asker {
  readonly client: number;
  readonly server: number;
  readonly connection: Connection;
}
interface ApiList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly ApiObject[];
}
interface ApiEvent {
  readonly type: WatchEvent['type'] | 'BOOKMARK' | 'ERROR';
  readonly object: ApiObject & { readonly code?: number; readonly reason?: string };
}
type Result = Pick<Operation, 'outcome' | 'status' | 'reason'> & { readonly body?: unknown };

export interface WriteRequest {
  readonly op: Write['op'];
  readonly key: string;
  readonly value?: string;
  readonly expected?: Revision;
  readonly call: Call;
}
export interface ListRequest {
  readonly scope: string;
  readonly match: List['match'];
  readonly revision?: Revision;
  readonly limit?: number;
  readonly final?: true;
}
export interface WatchRequest {
  readonly scope: string;
  /** Undefined: begin with the present objects. */
  readonly from?: Revision;
  readonly timeoutSeconds: number;
}

const initialEventsEnd = 'k8s.io/initial-events-end';
/** A server that is frozen does not end its watches. */
const watchGraceMs = 2_500;

export class Recorder {
  readonly operations: Operation[] = [];
  private serial = 0;

  /** `onOperation` is called with each operation when it is recorded. */
  constructor(private readonly onOperation: (operation: Operation) => void = () => {}) {}

  /** Returns the object of the answer, for later updates. */
  async write(
    asker: Asker,
    { op, key, value, expected, call }: WriteRequest,
  ): Promise<{ write: Write; object?: ApiObject }> {
    const asked = this.begin(asker);
    const { body, ...result } = await attempt(asker, call);
    const object = result.outcome === 'done' && op !== 'delete' ? (body as ApiObject) : undefined;
    const seen = object && seenOf(key, object);
    const deleted = result.outcome === 'done' && op === 'delete' ? uidOf(body) : undefined;
    const write: Write = {
      ...asked,
      ...this.end(result),
      op,
      key,
      ...defined({ value, expected, deleted }),
      ...(seen ? { result: seen } : {}),
    };
    return { write: this.record(write), ...(object ? { object } : {}) };
  }

  async get(asker: Asker, key: string, match: Get['match']): Promise<{ get: Get; object?: ApiObject }> {
    const asked = this.begin(asker);
    const path = `${pathOf(key)}${match === 'any' ? '?resourceVersion=0' : ''}`;
    const { body, ...result } = await attempt(asker, { method: 'GET', path });
    const object = result.outcome === 'done' ? (body as ApiObject) : undefined;
    const seen = object && seenOf(key, object);
    const isAbsent = result.status === 404;
    const ended = this.end(isAbsent ? { ...result, outcome: 'done' } : result);
    const get: Get = { ...asked, ...ended, op: 'get', key, match, ...(seen ? { result: seen } : {}) };
    return { get: this.record(get), ...(object ? { object } : {}) };
  }

  /** All pages, one after the other, all from the same server. */
  async list(asker: Asker, wanted: ListRequest): Promise<List> {
    const asked = this.begin(asker);
    const { scope, match, revision, limit, final } = wanted;
    const matches = {
      newest: {},
      any: { resourceVersion: 0 },
      notOlderThan: { resourceVersion: revision, resourceVersionMatch: 'NotOlderThan' },
      exact: { resourceVersion: revision, resourceVersionMatch: 'Exact' },
    };
    const pages: Page[] = [];
    let query: Record<string, string | number | undefined> = { ...matches[match], limit };
    for (;;) {
      const start = performance.now();
      const { body, ...result } = await attempt(asker, { method: 'GET', path: withQuery(pathOf(scope), query) });
      const token = result.outcome === 'done' ? this.page(scope, start, body as ApiList, pages) : undefined;
      if (token !== undefined) {
        query = { limit, continue: token };
        continue;
      }
      return this.record({
        ...asked,
        ...this.end(result),
        op: 'list',
        scope,
        match,
        pages,
        ...defined({ revision, limit, final }),
      });
    }
  }

  private page(scope: string, start: number, { metadata, items }: ApiList, pages: Page[]): string | undefined {
    const { continue: token = '', resourceVersion } = metadata;
    const seen = items.flatMap((item) => seenOf(scope, item) ?? []);
    pages.push({ start, end: performance.now(), revision: Number(resourceVersion), items: seen, more: token !== '' });
    return token === '' ? undefined : token;
  }

  /** Runs until the server ends it, the connection breaks, or the signal is aborted. `onEvent` gets each revision. */
  async watch(
    asker: Asker,
    { scope, from, timeoutSeconds }: WatchRequest,
    signal: AbortSignal,
    onEvent: (revision: Revision) => void = () => {},
  ): Promise<Watch> {
    const asked = this.begin(asker);
    const start =
      from === undefined
        ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion: from };
    const path = withQuery(pathOf(scope), { watch: 1, allowWatchBookmarks: 'true', timeoutSeconds, ...start });
    const events: (WatchEvent | Bookmark)[] = [];
    let initial: Seen[] | undefined;
    let first = from;
    let result: Result = { outcome: 'done', status: 200 };
    const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000 + watchGraceMs)]);
    try {
      for await (const { status, line } of asker.connection.lines(path, ended)) {
        const at = performance.now();
        const { type, object } = line as ApiEvent;
        if (status !== 200 || type === 'ERROR') {
          const code = status === 200 ? (object.code ?? 500) : status;
          result = { outcome: outcomeOf(code), status: code, ...defined({ reason: object?.reason }) };
          break;
        }
        const revision = Number(object.metadata?.resourceVersion);
        const isEnd = object.metadata?.annotations?.[initialEventsEnd] === 'true';
        const seen = type === 'BOOKMARK' ? undefined : seenOf(scope, object);
        if (first === undefined && isEnd) {
          first = revision;
          initial = events.flatMap((event) => (event.type === 'BOOKMARK' ? [] : [event.object]));
          events.length = 0;
        } else if (type === 'BOOKMARK') events.push({ at, type, revision });
        // Of an object of the server itself only the revision counts, like that of a bookmark.
        else if (!seen) {
          if (first !== undefined) events.push({ at, type: 'BOOKMARK', revision });
        } else events.push({ at, type, object: seen });
        if (first !== undefined) onEvent(revision);
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      result = noAnswer(error);
    }
    // A watch that never sent all its first objects promises nothing.
    const complete = first === undefined ? { from: 0, events: [] } : { from: first, events };
    return this.record({
      ...asked,
      ...this.end(result),
      op: 'watch',
      scope,
      ...complete,
      ...(initial ? { initial } : {}),
    });
  }

  private begin({ client, server }: Asker) {
    return { id: ++this.serial, client, server, start: performance.now() };
  }

  private end({ outcome, status, reason }: Result) {
    return { end: performance.now(), outcome, status, ...defined({ reason }) };
  }

  private record<O extends Operation>(operation: O): O {
    this.operations.push(operation);
    this.onOperation(operation);
    return operation;
  }
}

const outcomeOf = (status: number): Outcome => (status < 300 ? 'done' : status < 500 ? 'refused' : 'unknown');
const noAnswer = ({ isUnsent, message }: NoAnswer): Result => ({
  outcome: isUnsent ? 'refused' : 'unknown',
  status: 0,
  reason: message,
});

/** Never throws for a server that does not answer. */
async function attempt({ connection }: Asker, call: Call): Promise<Result> {
  let answer: Answer;
  try {
    answer = await connection.call(call);
  } catch (error) {
    if (error instanceof NoAnswer) return noAnswer(error);
    throw error;
  }
  const { status, body } = answer;
  const outcome = outcomeOf(status);
  if (outcome === 'done') return { outcome, status, body };
  const { reason } = (body ?? {}) as { reason?: string };
  return { outcome, status, ...defined({ reason }) };
}

const uidOf = (body: unknown): string | undefined => {
  const { details, metadata } = body as { details?: { uid?: string }; metadata?: { uid?: string } };
  return details?.uid ?? metadata?.uid;
};

function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
