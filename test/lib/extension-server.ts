// An API server of its own over HTTPS on loopback, as an APIService names it: it trusts the front proxy's certificate and nothing else,
// and reports which user each request names. Its one resource is flunders of wardle.example.com/v1.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KeyPair } from '../../controlplane/pki/certificate';

export const extensionGroup = 'wardle.example.com';
export const extensionRoot = `/apis/${extensionGroup}/v1`;

interface Flunder {
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headersDistinct'];
  readonly body: string;
}

export interface ExtensionServer {
  readonly port: number;
  /** The requests for flunders. */
  readonly seen: SeenRequest[];
  readonly flunders: Map<string, Flunder>;
  /** Answers every request with this status, or normally again. */
  fail(status: number | undefined): void;
  /** Sends an event to all watchers. */
  emit(type: string, object: Flunder): void;
  /** Closes connections that no request uses. */
  dropIdle(): void;
  close(): Promise<void>;
}

const resources = [
  {
    name: 'flunders',
    singularName: 'flunder',
    namespaced: true,
    kind: 'Flunder',
    shortNames: ['fl'],
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'watch'],
  },
  { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get', 'update'] },
];

/** @param proxyCa the authority of the front proxy, as the ConfigMap extension-apiserver-authentication has it */
export async function startExtensionServer({ cert, key }: KeyPair, proxyCa: string): Promise<ExtensionServer> {
  const seen: SeenRequest[] = [];
  const flunders = new Map<string, Flunder>();
  const watchers = new Set<ServerResponse>();
  let failure: number | undefined;
  let revision = 1;
  const history: { readonly at: number; readonly line: string }[] = [];
  const emit = (type: string, object: Flunder) => {
    const line = `${JSON.stringify({ type, object })}\n`;
    history.push({ at: Number(object.metadata.resourceVersion), line });
    for (const watcher of watchers) watcher.write(line);
  };
  const server = createServer({ cert, key, ca: proxyCa, requestCert: true, rejectUnauthorized: false });
  const isProxy = (socket: TLSSocket) =>
    socket.authorized && socket.getPeerCertificate().subject?.CN === 'front-proxy-client';

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const reply = (status: number, value: unknown): unknown => {
        response.writeHead(status, { 'content-type': 'application/json' });
        return response.end(JSON.stringify(value));
      };
      if (!isProxy(request.socket as TLSSocket)) return reply(401, { kind: 'Status', code: 401 });
      if (failure !== undefined) return reply(failure, { kind: 'Status', code: failure });
      return answer(request, Buffer.concat(chunks).toString(), response, reply);
    });
  });

  function answer(
    request: IncomingMessage,
    body: string,
    response: ServerResponse,
    reply: (status: number, value: unknown) => unknown,
  ): unknown {
    const url = new URL(request.url ?? '/', 'https://extension');
    if (url.pathname === extensionRoot) {
      return reply(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${extensionGroup}/v1`, resources });
    }
    if (url.pathname === '/openapi/v3') {
      return reply(200, {
        paths: { [extensionRoot.slice(1)]: { serverRelativeURL: `/openapi/v3${extensionRoot}?hash=ABC` } },
      });
    }
    if (url.pathname === `/openapi/v3${extensionRoot}`)
      return reply(200, { openapi: '3.0.0', info: { title: 'wardle' }, paths: {} });
    if (!url.pathname.startsWith(`${extensionRoot}/`)) return reply(404, { kind: 'Status', code: 404 });
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headersDistinct, body });
    const [, namespace, name] = /\/namespaces\/([^/]+)\/flunders(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const list = () => [...flunders.values()].filter(({ metadata }) => !namespace || metadata.namespace === namespace);
    if (request.method === 'POST') {
      const object = JSON.parse(body) as Flunder;
      object.metadata = {
        ...object.metadata,
        namespace: namespace!,
        uid: `u${revision}`,
        resourceVersion: `${++revision}`,
      };
      flunders.set(`${namespace}/${object.metadata.name}`, object);
      emit('ADDED', object);
      return reply(201, object);
    }
    if (request.method === 'DELETE') {
      for (const [key, object] of flunders) {
        if (object.metadata.namespace !== namespace || (name !== undefined && object.metadata.name !== name)) continue;
        flunders.delete(key);
        object.metadata.resourceVersion = `${++revision}`;
        emit('DELETED', object);
      }
      return reply(200, { kind: 'Status', apiVersion: 'v1', status: 'Success' });
    }
    if (url.pathname.endsWith('/elsewhere')) {
      return response.writeHead(302, { location: 'https://example.com/' }).end();
    }
    if (url.searchParams.get('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const from = Number(url.searchParams.get('resourceVersion') ?? revision);
      for (const { at, line } of history) if (at > from) response.write(line);
      watchers.add(response);
      return response.on('close', () => watchers.delete(response));
    }
    if (name !== undefined) {
      const found = flunders.get(`${namespace}/${name}`);
      return found
        ? reply(200, found)
        : reply(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 });
    }
    return reply(200, {
      kind: 'FlunderList',
      apiVersion: `${extensionGroup}/v1`,
      metadata: { resourceVersion: `${revision}` },
      items: list(),
    });
  }

  server.on('upgrade', (request: IncomingMessage, socket) => {
    if (!isProxy(socket as TLSSocket)) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headersDistinct, body: '' });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('error', () => socket.destroy());
    return socket.pipe(socket);
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    flunders,
    fail: (status) => {
      failure = status;
    },
    emit,
    dropIdle: () => server.closeIdleConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
