// One request and one answer, independent of HTTP: the listener (http/) and the in-process transport both use these types. The
// request is decoded lazily, because most requests need neither their query nor their body.

import type { Readable } from 'node:stream';
import type { KubeList, KubeObject, WatchEvent } from '../api/types';
import type { AuditRecord } from './audit/record';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** When the credentials end, if they say so: no login that they ask for lasts longer. No answer shows it. */
  readonly endsMs?: number;
}

/** Header names in lower case. An Impersonate-* header has one text for each time it was sent. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface ApiRequest {
  readonly method: string;
  /** The path as sent, not decoded, without its query. */
  readonly path: string;
  /** The text after `?`, '' when there is none. */
  readonly search: string;
  readonly headers: Headers;
  readonly user: UserInfo;
  /** The address of the client; absent for a client in this process. */
  readonly peer?: () => string | undefined;
  /** Absent when the request is not recorded. */
  readonly audit?: AuditRecord;
  /** The client is in this process and reads objects instead of bytes; it never changes them. */
  readonly decoded?: boolean;
  /** True when the client has disconnected, so the answer has no reader. */
  isGone?(): boolean;
  /** Reads the complete body. @throws StatusError 413 above the limit */
  body(): Promise<Buffer>;
  /**
   * The body while it arrives, as it was sent: encoded and without a limit. The caller reads it to its end, and does not call body().
   * Absent for a client in this process.
   */
  stream?(): Readable;
}

/** The destination of a streamed answer. Writing after the end or after the reader disconnected has no effect. */
export interface Sink {
  /** False asks the writer to pause until `onDrain`. */
  write(chunk: Buffer): boolean;
  /** Present when the client reads objects: a watch then sends all of its events here. */
  readonly events?: (events: readonly WatchEvent<KubeObject>[]) => void;
  end(): void;
  /** Ends at once: closes the connection of the reader and drops unread data. */
  cut(): void;
  /** Bytes accepted but not yet read. */
  buffered(): number;
  onDrain(fn: () => void): void;
  /** Calls `fn` once, when the reader disconnected or the stream ended; at once if that has happened already. */
  onClose(fn: () => void): void;
}

interface ReplyHead {
  readonly status: number;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}
export interface FullReply extends ReplyHead {
  readonly body: Buffer;
  /** The list from which the body is built; only for a client that reads objects. */
  readonly list?: KubeList<KubeObject>;
}
export interface StreamReply extends ReplyHead {
  readonly start: (sink: Sink) => void;
}
export type Reply = FullReply | StreamReply;

export const jsonType = 'application/json';

export function jsonReply(value: unknown, status = 200): FullReply {
  return { status, type: jsonType, body: Buffer.from(`${JSON.stringify(value)}\n`) };
}

export function textReply(text: string, status = 200): FullReply {
  return { status, type: 'text/plain; charset=utf-8', body: Buffer.from(text) };
}

/** An answer without a body. */
export const noContent: FullReply = { status: 204, type: '', body: Buffer.alloc(0) };

/** One header as a single text; '' when it is absent. */
export function header(headers: Headers, name: string): string {
  const value = headers[name];
  if (value === undefined) return '';
  return typeof value === 'string' ? value : value.join(', ');
}

const emptyQuery = new URLSearchParams();
/** Parsed queries: parsing 60 kB costs milliseconds each time. */
const queries = new WeakMap<object, URLSearchParams>();

/** The query of a request; the shared empty one for most. */
export function queryOf(request: Pick<ApiRequest, 'search'>): URLSearchParams {
  if (request.search === '') return emptyQuery;
  let query = queries.get(request);
  if (!query) {
    query = new URLSearchParams(request.search);
    queries.set(request, query);
  }
  return query;
}

/** True for the values of a boolean parameter that mean no; every other value, also none, means yes. */
export const isFalse = (value: string): boolean => value === '0' || value.toLowerCase() === 'false';

/** A boolean query parameter; false when it is absent. */
export function queryFlag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && !isFalse(value);
}
