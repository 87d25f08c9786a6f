// A gRPC server on a unix socket that plays a plug-in of the kubelet: a test gives the answers.
import {
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type INamespace, Root } from 'protobufjs/light';
import type { Calls, ServiceSchema } from '../../agents/kubelet/grpc/rpc';

/** An error with this shape becomes the status of the answer. */
export interface Refusal {
  readonly code: number;
  readonly details: string;
}
export const refuse = (code: number, details: string): never => {
  throw Object.assign(new Error(details), { code, details } satisfies Refusal);
};

export type Answers<C extends Calls> = {
  readonly [M in keyof C]?: (request: C[M]['request']) => object | Promise<object>;
};

/** Methods with a stream of answers. The returned function is called when the caller goes. */
export type Streams<C extends Calls> = {
  readonly [M in keyof C]?: (send: (answer: C[M]['response']) => void, end: () => void) => () => void;
};

/** Serves until the returned function is called. Methods without an answer are Unimplemented. */
export async function serveGrpc<C extends Calls>(
  socket: string,
  schema: ServiceSchema<C>,
  answers: Answers<C>,
  streams: Streams<C> = {},
): Promise<() => Promise<void>> {
  const root = Root.fromJSON({ nested: schema.messages as INamespace['nested'] });
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of Object.keys(schema.methods) as (keyof C & string)[]) {
    const [request, response] = schema.methods[method].map((name) => root.lookupType(name)) as [
      ReturnType<Root['lookupType']>,
      ReturnType<Root['lookupType']>,
    ];
    const answer = answers[method];
    const stream = streams[method];
    if (!answer && !stream) continue;
    definition[method] = {
      path: `/${schema.service}/${method}`,
      requestStream: false,
      responseStream: stream !== undefined,
      requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
      requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), { longs: Number, defaults: true }),
      responseSerialize: (value: object) =>
        Buffer.isBuffer(value) ? value : Buffer.from(response.encode(response.fromObject(value)).finish()),
      responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes)),
    };
    if (stream) {
      implementation[method] = (call: ServerWritableStream<object, object>) => {
        const gone = stream(
          (value) => void call.write(value),
          () => call.end(),
        );
        call.on('close', gone);
        call.on('cancelled', gone);
      };
    }
    if (!answer) continue;
    implementation[method] = async (call: { request: C[typeof method]['request'] }, callback: unknown) => {
      const done = callback as (error: unknown, value?: object) => void;
      try {
        done(null, await answer(call.request));
      } catch (error) {
        done(error);
      }
    };
  }
  const server = new Server();
  server.addService(definition, implementation);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return async () => server.forceShutdown();
}
