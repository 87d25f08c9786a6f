// Client over a Transport: paths, headers, bodies and error translation of the public wire format. No retries here: the
// informer and the work queue retry.
import type { KindRef } from '../api/kind';
import type { KubeList, KubeObject, Status, WatchEvent } from '../api/types';
import { objectKey } from '../api/types';
import { eventLoop } from '../base/event-loop';
import { processMetrics } from '../base/process-metrics';
import type {
  Client,
  DeleteParams,
  ListParams,
  PatchType,
  Request,
  Response,
  Transport,
  WatchParams,
  WriteParams,
} from './client';
import { decodeLines, readText } from './lines';
import { collectionPath, objectPath, withQuery } from './paths';
import { type RestMetrics, renderRestMetrics, restMetrics } from './rest-metrics';
import { errorFromBody, errorFromStatus } from './status-error';

export interface RestClientOptions {
  /** Sent as User-Agent; the server derives the default field manager from the part before the slash. */
  readonly userAgent?: string;
  /** Absent: those of the process. */
  readonly metrics?: Pick<RestMetrics, 'note'>;
}

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** The label of a server without an address. */
const inProcess = 'in-process';

const apiVersionOf = ({ group, version }: KindRef): string => (group === '' ? version : `${group}/${version}`);

export function createClient(transport: Transport, options: RestClientOptions = {}): Client {
  const { userAgent = 'k8ts', metrics = restMetrics } = options;
  if (metrics === restMetrics) processMetrics.add(renderRestMetrics);
  return new RestClient(transport, userAgent, metrics);
}

class RestClient implements Client {
  constructor(
    private readonly transport: Transport,
    private readonly userAgent: string,
    private readonly metrics: Pick<RestMetrics, 'note'>,
  ) {}

  async get<T extends KubeObject>(
    kind: KindRef<T>,
    key: string,
    signal?: AbortSignal,
    subresource?: string,
  ): Promise<T> {
    return this.json<T>({ method: 'GET', path: objectPath(kind, key, subresource), signal });
  }

  async list<T extends KubeObject>(
    kind: KindRef<T>,
    params: ListParams = {},
    signal?: AbortSignal,
  ): Promise<KubeList<T>> {
    const { namespace, ...query } = params;
    const path = withQuery(collectionPath(kind, namespace), query);
    const response = await this.send({ method: 'GET', path, signal, decoded: true });
    if (response.list) return response.list as KubeList<T>;
    const list = JSON.parse(await readText(response.body)) as KubeList<T>;
    list.items ??= [];
    const apiVersion = apiVersionOf(kind);
    for (const item of list.items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= kind.kind;
    }
    return list;
  }

  async *watch<T extends KubeObject>(
    kind: KindRef<T>,
    params: WatchParams,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, ...query } = params;
    const path = withQuery(collectionPath(kind, namespace), { watch: 'true', allowWatchBookmarks: 'true', ...query });
    const response = await this.send({ method: 'GET', path, signal, decoded: true });
    for await (const batch of response.events ?? decodeEvents(response.body)) {
      for (const event of batch as readonly WatchEvent<T>[]) {
        if (event.type === 'ERROR') {
          const status = event.object as Status;
          throw errorFromStatus(status.code ?? 500, status);
        }
        yield event;
      }
    }
  }

  async create<T extends KubeObject>(kind: KindRef<T>, object: T, params: WriteParams = {}): Promise<T> {
    const namespace = object.metadata?.namespace;
    const path = params.subresource
      ? objectPath(kind, objectKey(object), params.subresource)
      : collectionPath(kind, namespace);
    const body = this.body(kind, object);
    return this.json<T>({ method: 'POST', path: this.writePath(path, params), body, signal: params.signal });
  }

  async update<T extends KubeObject>(kind: KindRef<T>, object: T, params: WriteParams = {}): Promise<T> {
    const path = this.writePath(objectPath(kind, objectKey(object), params.subresource), params);
    return this.json<T>({ method: 'PUT', path, body: this.body(kind, object), signal: params.signal });
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    key: string,
    type: PatchType,
    patch: unknown,
    params: WriteParams = {},
  ): Promise<T> {
    return this.json<T>({
      method: 'PATCH',
      path: this.writePath(objectPath(kind, key, params.subresource), params),
      headers: { 'content-type': patchContentTypes[type] },
      body: JSON.stringify(patch),
      signal: params.signal,
    });
  }

  async delete<T extends KubeObject>(kind: KindRef<T>, key: string, params: DeleteParams = {}): Promise<void> {
    const { signal, ...options } = params;
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options });
    const response = await this.send({ method: 'DELETE', path: objectPath(kind, key), body, signal });
    await readText(response.body);
  }

  async post<A>(kind: KindRef, key: string, subresource: string, body: unknown, signal?: AbortSignal): Promise<A> {
    return this.json<A>({
      method: 'POST',
      path: objectPath(kind, key, subresource),
      body: JSON.stringify(body),
      signal,
    });
  }

  private writePath(path: string, { fieldManager, force, dryRun, fieldValidation }: WriteParams): string {
    return withQuery(path, { fieldManager, force, fieldValidation, ...(dryRun ? { dryRun: 'All' } : {}) });
  }

  private body(kind: KindRef, object: KubeObject): string {
    return JSON.stringify({ ...object, apiVersion: apiVersionOf(kind), kind: kind.kind });
  }

  private async json<A>(request: Request): Promise<A> {
    const response = await this.send(request);
    return JSON.parse(await readText(response.body)) as A;
  }

  private async send(request: Request): Promise<Response> {
    const headers = {
      accept: 'application/json',
      'user-agent': this.userAgent,
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    };
    const work = eventLoop.current;
    const response = await this.exchange({ ...request, headers });
    // An answer from the same process may come in microtasks alone: a caller with many requests must not hold the loop.
    const pause = eventLoop.pause();
    if (pause) await pause;
    eventLoop.mark(work);
    // Aborted while the answer was under way: no caller would end a watch that starts now.
    request.signal?.throwIfAborted();
    if (response.status >= 400) throw errorFromBody(response.status, await readText(response.body));
    return response;
  }

  private async exchange(request: Request): Promise<Response> {
    const { method } = request;
    const { host = inProcess } = this.transport;
    const began = performance.now();
    const note = (status: number | undefined) =>
      this.metrics.note({ method, host, status, ms: performance.now() - began });
    try {
      const response = await this.transport.send(request);
      note(response.status);
      return response;
    } catch (error) {
      // A caller that no longer waits says nothing about the server.
      if (!request.signal?.aborted) note(undefined);
      throw error;
    }
  }
}

async function* decodeEvents(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent<KubeObject>[]> {
  for await (const lines of decodeLines(body)) yield lines.map((line) => JSON.parse(line) as WatchEvent<KubeObject>);
}
