// Calls of gRPC services behind unix sockets: the plug-ins of the kubelet. A service is described by data (its methods and the fields of its
// messages), so nothing is generated. The gRPC library is loaded with the first call: a kubelet without plug-ins does not hold it in memory.

import { shortSocketPath } from '../../../controlplane/base/socket-path';
import type { Client as Channel, Root } from '../../../controlplane/grpc/library';
import { decodeMessage, encodeMessage, type Messages, typesOf } from '../../../controlplane/grpc/messages';
import { RpcError } from '../../../controlplane/grpc/rpc-error';

export type Calls = Record<string, { readonly request: object; readonly response: object }>;

export interface ServiceSchema<C extends Calls> {
  /** With its package: csi.v1.Node. */
  readonly service: string;
  readonly messages: Messages;
  /** Method → names of its request and its response. */
  readonly methods: { readonly [M in keyof C]: readonly [request: string, response: string] };
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface Rpc<C extends Calls> {
  /** Fields that the answer lacks have protobuf's defaults. @throws RpcError */
  call<M extends keyof C & string>(
    method: M,
    request: C[M]['request'],
    options: CallOptions,
  ): Promise<C[M]['response']>;
  /**
   * A call with a stream of answers. Resolves when the service ends the stream. @throws RpcError, or the signal's reason
   */
  watch<M extends keyof C & string>(
    method: M,
    request: C[M]['request'],
    options: { readonly signal: AbortSignal; readonly onAnswer: (answer: C[M]['response']) => void },
  ): Promise<void>;
  /** Ends the connection; running calls fail. */
  close(): void;
}

/** Answers of plug-ins are short: a larger one is refused, so that it fills no memory and holds no event loop. */
const maxAnswerBytes = 1024 * 1024;
/** Opens a connection with the first call. @throws nothing itself */
export async function openRpc<C extends Calls>(socketPath: string, schema: ServiceSchema<C>): Promise<Rpc<C>> {
  const [{ Client, credentials }, types] = await Promise.all([
    import('../../../controlplane/grpc/library'),
    typesOf(schema),
  ]);
  const socket = await shortSocketPath(socketPath);
  const channel = new Client(`unix:${socket.path}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxAnswerBytes,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    // Otherwise connections to a socket that was made again under the same path share the old one.
    'grpc.use_local_subchannel_pool': 1,
  });
  return {
    call: (method, request, options) => call(channel, types, schema, { method, request, options }),
    watch: (method, request, options) => watch(channel, types, schema, { method, request, ...options }),
    close: () => {
      channel.close();
      void socket.close();
    },
  };
}

interface OneCall<C extends Calls, M extends keyof C & string> {
  readonly method: M;
  readonly request: C[M]['request'];
  readonly options: CallOptions;
}

function call<C extends Calls, M extends keyof C & string>(
  channel: Channel,
  types: Root,
  schema: ServiceSchema<C>,
  { method, request, options: { timeoutMs, signal } }: OneCall<C, M>,
): Promise<C[M]['response']> {
  const { path, encode, decode } = codecOf(types, schema, method);
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const running = channel.makeUnaryRequest(
      path,
      encode,
      decode,
      request,
      { deadline: Date.now() + timeoutMs },
      (error, answer) => {
        signal?.removeEventListener('abort', cancel);
        if (!error) resolve(answer as C[M]['response']);
        else reject(signal?.aborted ? signal.reason : new RpcError(error.code, error.details));
      },
    );
    const cancel = () => running.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function watch<C extends Calls, M extends keyof C & string>(
  channel: Channel,
  types: Root,
  schema: ServiceSchema<C>,
  {
    method,
    request,
    signal,
    onAnswer,
  }: Pick<OneCall<C, M>, 'method' | 'request'> & {
    readonly signal: AbortSignal;
    readonly onAnswer: (answer: C[M]['response']) => void;
  },
): Promise<void> {
  const { path, encode, decode } = codecOf(types, schema, method);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stream = channel.makeServerStreamRequest(path, encode, decode, request);
    const cancel = () => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    stream.on('data', onAnswer);
    stream.on('error', (error: Error & { readonly code: number; readonly details: string }) => {
      signal.removeEventListener('abort', cancel);
      reject(signal.aborted ? signal.reason : new RpcError(error.code, error.details));
    });
    stream.on('end', () => {
      signal.removeEventListener('abort', cancel);
      resolve();
    });
  });
}

function codecOf<C extends Calls>(types: Root, schema: ServiceSchema<C>, method: keyof C & string) {
  const [request, response] = schema.methods[method];
  return {
    path: `/${schema.service}/${method}`,
    encode: (value: object) => encodeMessage(types, request, value),
    decode: (bytes: Buffer) => decodeMessage(types, response, bytes),
  };
}
