// Serves gRPC on a unix socket. The socket exists from the start; the gRPC library is loaded with the first connection, so that a kubelet
// which no plug-in calls does not hold it in memory.
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { shortSocketPath } from '../../../controlplane/base/socket-path';
import type { ServiceDefinition, UntypedServiceImplementation } from '../../../controlplane/grpc/library';
import { decodeMessage, encodeMessage, typesOf } from '../../../controlplane/grpc/messages';
import type { Calls, ServiceSchema } from './rpc';

/** An error of an answer reaches the caller with its message, as status Unknown. */
export type Answers<C extends Calls> = {
  readonly [M in keyof C & string]: (request: C[M]['request']) => C[M]['response'] | Promise<C[M]['response']>;
};

interface RpcServer {
  accept(socket: Socket): void;
  close(): void;
}

/** More callers than any node has at the same time. */
const maxConnections = 64;
const maxRequestBytes = 1024 * 1024;
const unknown = 2;

/**
 * A file of the same name is replaced. Resolves when the socket accepts connections, to the function that ends the service and removes the
 * socket. @throws when the path cannot be bound
 */
export async function serveRpc<C extends Calls>(
  path: string,
  schema: ServiceSchema<C>,
  answers: Answers<C>,
  log: Logger,
): Promise<() => Promise<void>> {
  let opening: Promise<RpcServer> | undefined;
  const listener = createServer((socket) => {
    // The library takes over the socket's errors; before that one means that the caller is gone.
    socket.on('error', () => {});
    opening ??= openServer(schema, answers);
    opening.then(
      (server) => server.accept(socket),
      (error: unknown) => {
        opening = undefined;
        log.warn('a call is refused: the gRPC library cannot be loaded', { socket: path, error });
        socket.destroy();
      },
    );
  });
  listener.maxConnections = maxConnections;
  await rm(path, { force: true });
  const bound = await shortSocketPath(path);
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(bound.path, resolve);
    });
  } catch (error) {
    await bound.close();
    throw error;
  }
  listener.on('error', (error) => log.warn('a connection was not accepted', { socket: path, error }));
  return async () => {
    const ended = new Promise<void>((resolve) => listener.close(() => resolve()));
    (await opening?.catch(() => undefined))?.close();
    await ended;
    // Node.js removes the socket by the path by which it made it, so the folder stays open until then.
    await bound.close();
  };
}

async function openServer<C extends Calls>(schema: ServiceSchema<C>, answers: Answers<C>): Promise<RpcServer> {
  const [{ Server, ServerCredentials }, types] = await Promise.all([
    import('../../../controlplane/grpc/library'),
    typesOf(schema),
  ]);
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of Object.keys(answers) as (keyof C & string)[]) {
    const [request, response] = schema.methods[method];
    definition[method] = {
      path: `/${schema.service}/${method}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: object) => encodeMessage(types, request, value),
      requestDeserialize: (bytes: Buffer) => decodeMessage(types, request, bytes),
      responseSerialize: (value: object) => encodeMessage(types, response, value),
      responseDeserialize: (bytes: Buffer) => decodeMessage(types, response, bytes),
    };
    implementation[method] = async (
      call: { readonly request: C[typeof method]['request'] },
      done: (error: object | null, answer?: object) => void,
    ) => {
      try {
        done(null, await answers[method](call.request));
      } catch (error) {
        done({ code: unknown, details: describeError(error) });
      }
    };
  }
  const server = new Server({ 'grpc.max_receive_message_length': maxRequestBytes });
  server.addService(definition, implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept: (socket) => injector.injectConnection(socket),
    close: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}
