// The typed client: the only way for controllers, scheduler and agents to reach the API. The client speaks the public wire
// format through a Transport, over HTTPS or, inside the server process, straight into the request handler.
import type { KindRef } from '../api/kind';
import type { KubeList, KubeObject, WatchEvent } from '../api/types';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query, e.g. /api/v1/pods?watch=1. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** The caller accepts `list` or `events` in place of the body. */
  readonly decoded?: boolean;
}
export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Buffer>;
  /** The answer of a list, if server and client share a process. The objects are the server's own: never change them. */
  readonly list?: KubeList<KubeObject>;
  /** The answer of a watch, likewise; the body is empty then. */
  readonly events?: AsyncIterable<readonly WatchEvent<KubeObject>[]>;
}
export interface Transport {
  /** Host and port of the server, for metrics; absent: the server is in this process. */
  readonly host?: string;
  /** Resolves when the response head has arrived, whatever its status. @throws Unavailable when the server cannot be reached. */
  send(request: Request): Promise<Response>;
  close(): void;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface ListParams {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Of custom metrics: which series of a metric. */
  readonly metricLabelSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}
export interface WatchParams extends ListParams {
  /** The server ends the watch after this long; absent leaves the choice to the server. */
  readonly timeoutSeconds?: number;
}
export interface WriteParams {
  readonly signal?: AbortSignal;
  /** Written instead of the object itself: 'status', 'scale', 'binding', 'token', 'eviction'. */
  readonly subresource?: string;
  /** The name under which written fields are owned; needed by patches of type 'apply'. */
  readonly fieldManager?: string;
  /** The server does everything but store it. */
  readonly dryRun?: boolean;
  /** `Strict`: a field that the kind does not have is an error, as for kubectl; absent: the server drops it. */
  readonly fieldValidation?: 'Strict';
  /** Takes over fields that another manager owns; only for patches of type 'apply'. */
  readonly force?: boolean;
}
export interface DeleteParams {
  readonly signal?: AbortSignal;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * Failures are the classes of base/errors: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, Expired, and Unavailable
 * for every failure worth a retry (429, 5xx, no connection). A Status body becomes the message and details. Objects carry
 * apiVersion and kind even when they come from a list, whose items lack them on the wire.
 */
export interface Client {
  /** With a subresource: its answer, which may be of another kind (scale). */
  get<T extends KubeObject>(kind: KindRef<T>, key: string, signal?: AbortSignal, subresource?: string): Promise<T>;
  /** Other parts of this process may share the objects, as with those of a watch: never change them. */
  list<T extends KubeObject>(kind: KindRef<T>, params?: ListParams, signal?: AbortSignal): Promise<KubeList<T>>;
  /**
   * One watch request from params.resourceVersion on, with bookmarks; ends when the server ends it. An ERROR event is thrown.
   */
  watch<T extends KubeObject>(kind: KindRef<T>, params: WatchParams, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(kind: KindRef<T>, object: T, params?: WriteParams): Promise<T>;
  /** A PUT; metadata.resourceVersion in `object` makes it conditional. */
  update<T extends KubeObject>(kind: KindRef<T>, object: T, params?: WriteParams): Promise<T>;
  patch<T extends KubeObject>(
    kind: KindRef<T>,
    key: string,
    type: PatchType,
    patch: unknown,
    params?: WriteParams,
  ): Promise<T>;
  delete<T extends KubeObject>(kind: KindRef<T>, key: string, params?: DeleteParams): Promise<void>;
  /** POST to a subresource whose body and answer are of another kind: bindings, token requests, evictions. */
  post<A>(kind: KindRef, key: string, subresource: string, body: unknown, signal?: AbortSignal): Promise<A>;
}
