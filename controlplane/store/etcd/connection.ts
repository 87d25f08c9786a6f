// Calls to the members of an etcd cluster. One member is used at a time; when it fails to answer, the next one takes its place for all calls
// and watches. Members that are cut off from the others answer "no leader", and frozen ones nothing: both count as failed.
import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';
import { type Clock, systemClock } from '../../base/clock';
import { AppError, TooLarge, Unavailable } from '../../base/errors';
import { type Logger, silentLogger } from '../../base/logger';
import type { Client, Root } from '../../grpc/library';
import { decodeMessage, encodeMessage, typesOf } from '../../grpc/messages';
import { RpcError } from '../../grpc/rpc-error';
import { Certificates } from './certificates';
import { type Calls, type Method, messages, methods } from './protocol';
import { reasonOf } from './reason';
import { SlowCalls } from './slow-calls';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
export interface EtcdTls {
  /** PEM. */
  readonly ca: Buffer;
  /** Of the client; both or none. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}
export interface EtcdOptions {
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  /** Absent: plain text. */
  readonly tls?: EtcdTls;
  /** Reads the certificates again. It is called after a call that failed: the cause may be one that has expired, and that has a successor. */
  readonly readTls?: () => Promise<EtcdTls>;
  readonly limits?: Partial<EtcdLimits>;
}

const defaultLimits = {
  /** A read is tried at the next member after this. */
  readMs: 2_000,
  /** A call is tried again until no member has answered for this long; later calls are tried once at each member. */
  outageMs: 8_000,
  /** etcd itself ends a write after 7 s (5 s, and two elections), if it can. */
  writeMs: 10_000,
  /** Without traffic for this long, the connection is tested; etcd refuses a shorter time than 5 s. */
  pingMs: 6_000,
  pingAnswerMs: 2_000,
  /** Certificates are read at most this often. */
  readTlsMs: 1_000,
};
export type EtcdLimits = Readonly<typeof defaultLimits>;

export interface EtcdDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

type UnaryMethod = Exclude<Method, 'Watch'>;
type Library = typeof import('../../grpc/library');

export class EtcdConnection {
  private current = 0;
  /** The time of the last answer of a member; a refusal is an answer too. */
  private answeredAt = performance.now();
  /** Aborted when another member takes the place of the current one. */
  private turn = new AbortController();
  private tlsReadAt = performance.now();
  /** Calls at the current member. */
  private readonly running = new Set<{ cancel(): void }>();
  private readonly limits: EtcdLimits;

  private constructor(
    private readonly options: EtcdOptions,
    private readonly library: Library,
    private readonly types: Root,
    private readonly members: readonly Client[],
    private readonly slow: SlowCalls,
    private readonly certificates: Certificates | undefined,
    private readonly log: Logger,
  ) {
    this.limits = { ...defaultLimits, ...options.limits };
  }

  /** Connects with the first call. */
  static async open(options: EtcdOptions, deps: Partial<EtcdDeps> = {}): Promise<EtcdConnection> {
    const [library, types] = await Promise.all([import('../../grpc/library'), typesOf({ messages })]);
    const { credentials, experimental } = library;
    const { tls, endpoints, limits } = options;
    const insecure = credentials.createInsecure();
    const certificates = tls && new Certificates(tls);
    const { pingMs, pingAnswerMs } = { ...defaultLimits, ...limits };
    const settings = {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.keepalive_time_ms': pingMs,
      'grpc.keepalive_timeout_ms': pingAnswerMs,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 1_000,
      'grpc.max_reconnect_backoff_ms': 1_000,
    };
    const members = endpoints.map(({ host, port }) => {
      const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      if (!certificates) return new library.Client(target, insecure, settings);
      // The certificate must have the name or address of the endpoint. Node.js sends no address as the name of a server (RFC 6066, 3), so
      // another text takes its place there; etcd has one certificate for all names.
      const checkServerIdentity = (_: string, cert: PeerCertificate) => checkIdentity(host, cert);
      const identity = tls.cert ? certificates : null;
      const check = { checkServerIdentity };
      const channel = experimental.createCertificateProviderChannelCredentials(certificates, identity, check);
      const sent = isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'etcd' };
      return new library.Client(target, channel, { ...settings, ...sent });
    });
    const { clock = systemClock, log = silentLogger } = deps;
    return new EtcdConnection(options, library, types, members, new SlowCalls(clock, log), certificates, log);
  }

  /** A call that changes nothing: other members are tried when one does not answer. @throws AppError */
  read<M extends UnaryMethod>(method: M, request: Calls[M]['request']): Promise<Calls[M]['response']> {
    return this.try(method, request, this.limits.readMs, () => true);
  }

  /**
   * A call that changes something: it is sent once. Only when it certainly has changed nothing, the next member is tried.
   * @throws AppError; OutcomeUnknown when it may have happened
   */
  write<M extends UnaryMethod>(method: M, request: Calls[M]['request']): Promise<Calls[M]['response']> {
    return this.try(method, request, this.limits.writeMs, isUnsent);
  }

  private async try<M extends UnaryMethod>(
    method: M,
    request: Calls[M]['request'],
    timeoutMs: number,
    mayRepeat: (error: RpcError) => boolean,
  ): Promise<Calls[M]['response']> {
    for (let tries = 1; ; tries++) {
      const member = this.current;
      try {
        const began = performance.now();
        const answer = await this.call(method, request, timeoutMs);
        this.answeredAt = performance.now();
        this.slow.note(method, this.answeredAt - began);
        return answer;
      } catch (error) {
        if (!isMemberFault(error)) {
          this.answeredAt = performance.now();
          throw this.translate(error);
        }
        this.leave(member);
        void this.rereadTls();
        if (!mayRepeat(error))
          throw new OutcomeUnknown(`${this.describe(error, member)}; the write may be stored or not`);
        const isOutage = performance.now() - this.answeredAt > this.limits.outageMs;
        if (isOutage && tries >= this.members.length) throw new Unavailable(this.describe(error, member));
        await pause(this.members.length > 1 ? 20 : 100);
      }
    }
  }

  /**
   * Sends one watch request. Answers come in order until the stream ends, which is an error: also when another member takes the place
   * of this one. `pause` and `resume` hold the answers back. @throws AppError, the signal's reason
   */
  watch(
    request: Calls['Watch']['request'],
    onAnswer: (answer: Calls['Watch']['response'], flow: { pause(): void; resume(): void }) => void,
    signal: AbortSignal,
  ): Promise<never> {
    const member = this.current;
    const { turn, library } = this;
    const { path, encode, decode } = this.codec('Watch');
    return new Promise((_resolve, reject) => {
      signal.throwIfAborted();
      const metadata = new library.Metadata();
      // A member without a leader then ends the watch.
      metadata.set('hasleader', 'true');
      const stream = this.members[member]!.makeBidiStreamRequest(path, encode, decode, metadata);
      const cancel = () => stream.cancel();
      const over = AbortSignal.any([signal, turn.signal]);
      over.addEventListener('abort', cancel, { once: true });
      const end = (error: unknown) => {
        over.removeEventListener('abort', cancel);
        if (signal.aborted) return reject(signal.reason);
        if (isMemberFault(error)) this.leave(member);
        reject(this.translate(error, member));
      };
      const flow = { pause: () => stream.pause(), resume: () => stream.resume() };
      stream.on('data', (answer) => onAnswer(answer, flow));
      stream.on('error', (error: Error & { code: number; details: string }) =>
        end(new RpcError(error.code, error.details)),
      );
      stream.on('end', () => end(new RpcError(14, 'the watch has ended')));
      stream.write(request);
    });
  }

  close(): void {
    for (const member of this.members) member.close();
  }

  /** For messages. */
  address(member = this.current): string {
    const { host, port } = this.options.endpoints[member]!;
    return `${host}:${port}`;
  }

  private call<M extends UnaryMethod>(
    method: M,
    request: Calls[M]['request'],
    timeoutMs: number,
  ): Promise<Calls[M]['response']> {
    const { path, encode, decode } = this.codec(method);
    return new Promise((resolve, reject) => {
      const call = this.members[this.current]!.makeUnaryRequest(
        path,
        encode,
        decode,
        request,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          this.running.delete(call);
          if (error) return reject(new RpcError(error.code, error.details));
          const { header } = answer as { readonly header?: object };
          if (!header && hasRevision.has(method)) {
            return reject(new RpcError(14, 'the answer has no header: what answers there is not etcd'));
          }
          resolve(answer as Calls[M]['response']);
        },
      );
      this.running.add(call);
    });
  }

  private leave(member: number): void {
    if (member !== this.current || this.members.length === 1) return;
    this.current = (member + 1) % this.members.length;
    const { turn } = this;
    this.turn = new AbortController();
    turn.abort();
    // A frozen member would keep them for as long as they may last.
    for (const call of [...this.running]) call.cancel();
  }

  /** Never rejects. */
  private async rereadTls(): Promise<void> {
    const { readTls } = this.options;
    if (!readTls || performance.now() - this.tlsReadAt < this.limits.readTlsMs) return;
    this.tlsReadAt = performance.now();
    try {
      this.certificates?.replace(await readTls());
    } catch (error) {
      this.log.debug('the certificates for etcd cannot be read again; the earlier ones stay', { error });
    }
  }

  private codec(method: Method) {
    const { path, request, response, wholeNumbers } = methods[method];
    return {
      path,
      encode: (value: object) => encodeMessage(this.types, request, value),
      // biome-ignore lint/suspicious/noExplicitAny: the types of the messages follow from their description.
      decode: (bytes: Buffer): any => decodeMessage(this.types, response, bytes, wholeNumbers),
    };
  }

  private translate(error: unknown, member = this.current): AppError {
    if (!(error instanceof RpcError)) return error instanceof AppError ? error : new Unavailable(String(error));
    if (error.reason.includes('request is too large')) {
      return new TooLarge('the object is larger than etcd accepts (its option --max-request-bytes)', { cause: error });
    }
    if (error.reason.includes('too many operations in txn')) {
      return new TooLarge(
        'the object has more addresses and ports than etcd accepts in one write (its option --max-txn-ops)',
        {
          cause: error,
        },
      );
    }
    if (error.reason.includes('database space exceeded')) {
      return new NoSpace(
        `${this.describe(error, member)}: delete objects, then k8ts store compact gives the space back`,
      );
    }
    return error.status === 'ResourceExhausted' || isMemberFault(error)
      ? new Unavailable(this.describe(error, member))
      : error;
  }

  private describe({ reason }: RpcError, member: number): string {
    return `etcd at ${this.address(member)}: ${reasonOf(reason)}`;
  }
}

/** Their answers say at which revision they were given: in their header (api_reference_v3, ResponseHeader). A proxy may answer without. */
const hasRevision: ReadonlySet<UnaryMethod> = new Set(['Range', 'Txn']);

/** The data of etcd has reached its quota: it takes no writes until there is room and its alarm is cleared. */
export class NoSpace extends Unavailable {}

/** The write may be stored or not: etcd did not say. */
export class OutcomeUnknown extends Unavailable {}

/** The member, not the request, is the reason. */
function isMemberFault(error: unknown): error is RpcError {
  if (!(error instanceof RpcError)) return false;
  const { status, reason } = error;
  // A member that cannot reach the others passes on the end of its own time limit like this.
  if (status === 'Unknown') return /context (?:deadline exceeded|canceled)/.test(reason);
  return status === 'Unavailable' || status === 'DeadlineExceeded' || status === 'Canceled';
}

/** The library reports so when the call never had a connection; a member refuses so before it does anything. */
const isUnsent = (error: RpcError): boolean =>
  error.status === 'Unavailable' &&
  /^No connection established|^Name resolution failed|etcdserver: no leader/.test(error.reason);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
