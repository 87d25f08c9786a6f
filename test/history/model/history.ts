// A recorded history: what clients asked of an API server, what they got, and when. The checks read nothing else. Pure.

/** Milliseconds of one monotonic clock, which all clients of a history share. */
export type Time = number;
/** A resourceVersion. Revisions of one history belong to one store, and grow with every write; between two there may be holes. */
export type Revision = number;

/** One version of one object, as an answer or an event shows it. */
export interface Seen {
  /** RESOURCE/NAMESPACE/NAME */
  readonly key: string;
  readonly revision: Revision;
  /** What the writer put into the object: unique for each write of a history. */
  readonly value: string;
  readonly uid: string;
  /** What no two objects may hold at one revision: `clusterip/ADDRESS`, `nodeport/PROTOCOL/PORT`. */
  readonly claims?: readonly string[];
}

/**
 * done: the server confirmed it. refused: the server said that it did not happen (4xx), or no server was reached.
 * unknown: connection lost, no answer in time, or 5xx; it may have happened, or happen later.
 */
export type Outcome = 'done' | 'refused' | 'unknown';

interface Asked {
  /** Unique in the history. */
  readonly id: number;
  readonly client: number;
  /** Which server was asked. */
  readonly server: number;
  readonly start: Time;
  /** When the client had the answer, or gave up. */
  readonly end: Time;
  readonly outcome: Outcome;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** `reason` of the Status of an error, or the error of the connection. */
  readonly reason?: string;
}

export interface Write extends Asked {
  readonly op: 'create' | 'update' | 'patch' | 'delete';
  readonly key: string;
  /** What it writes; absent for a deletion. */
  readonly value?: string;
  /** The resourceVersion that the object must have. */
  readonly expected?: Revision;
  /** The object of the answer. */
  readonly result?: Seen;
  /** The uid that the answer of a deletion names. */
  readonly deleted?: string;
}

export interface Get extends Asked {
  readonly op: 'get';
  readonly key: string;
  /** newest: without resourceVersion; any: with resourceVersion 0. */
  readonly match: 'newest' | 'any';
  /** Absent also when the server said that the object does not exist (404, outcome done). */
  readonly result?: Seen;
}

export interface Page {
  readonly start: Time;
  readonly end: Time;
  readonly revision: Revision;
  readonly items: readonly Seen[];
  /** Whether the answer has a continue token. */
  readonly more: boolean;
}

/** One list, of one page or of several that `continue` joined. */
export interface List extends Asked {
  readonly op: 'list';
  /** All keys with this prefix: RESOURCE/ or RESOURCE/NAMESPACE/ */
  readonly scope: string;
  readonly match: 'newest' | 'any' | 'notOlderThan' | 'exact';
  readonly revision?: Revision;
  readonly limit?: number;
  /** The pages that were answered. */
  readonly pages: readonly Page[];
  /** A list that the runner made at the end, when no write was under way. */
  readonly final?: true;
}

export interface WatchEvent {
  readonly at: Time;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Seen;
}
export interface Bookmark {
  readonly at: Time;
  readonly type: 'BOOKMARK';
  readonly revision: Revision;
}

/** One stream. A client that resumes makes another one. */
export interface Watch extends Asked {
  readonly op: 'watch';
  readonly scope: string;
  /** Events after this revision were asked for; with `initial`, the revision of the bookmark at their end. */
  readonly from: Revision;
  /** The objects sent first, when the watch asked for the present state (sendInitialEvents). */
  readonly initial?: readonly Seen[];
  readonly events: readonly (WatchEvent | Bookmark)[];
}

export type Operation = Write | Get | List | Watch;

export interface History {
  /** The store's revision before the first operation; no object of the history existed then. */
  readonly start: Revision;
  readonly operations: readonly Operation[];
}

export interface Problem {
  /** The check that found it; see the README. */
  readonly check: string;
  /** Names the operations, by `#id`. */
  readonly message: string;
  readonly operations: readonly number[];
}

export const isWrite = (operation: Operation): operation is Write =>
  operation.op !== 'get' && operation.op !== 'list' && operation.op !== 'watch';

/** The revision up to which a stream has surely sent all events. */
export const reached = ({ from, events }: Watch): Revision =>
  events.reduce(
    (most, event) => Math.max(most, event.type === 'BOOKMARK' ? event.revision : event.object.revision),
    from,
  );

/** `#12 update configmaps/a/b=3.7` */
export function show(operation: Operation): string {
  const { id, op, client, server } = operation;
  const who = `#${id} (client ${client}, server ${server})`;
  if (op === 'watch') return `${who} watch ${operation.scope} from ${operation.from}`;
  if (op === 'list') {
    const { scope, match, revision = '', limit } = operation;
    return `${who} list ${scope} ${match} ${revision}${limit === undefined ? '' : ` limit ${limit}`}`.trimEnd();
  }
  if (op === 'get') return `${who} get ${operation.key} ${operation.match}`;
  const { key, value, expected, result } = operation;
  return [
    `${who} ${op} ${key}${value === undefined ? '' : `=${value}`}`,
    ...(expected === undefined ? [] : [`on ${expected}`]),
    operation.outcome === 'done' ? `done${result ? ` at ${result.revision}` : ''}` : operation.outcome,
  ].join(' ');
}

export const showSeen = ({ key, revision, value }: Seen): string => `${key}=${value} at ${revision}`;
