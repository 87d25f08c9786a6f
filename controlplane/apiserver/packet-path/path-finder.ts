// POST of packetpaths: the whole way of a packet. The finder (agents/path) is given by the composition root. It reads and asks as the
// caller, by requests to this server's own handler: each of them is authorized as if the caller had sent it.
import { validateValue } from '../../api/crd/validate-value';
import type { PacketPath, PathAsked } from '../../api/packet-path';
import { unmappedAddress } from '../../base/cidr';
import { AppError, hasCode, Invalid } from '../../base/errors';
import type { PathReport } from '../../base/path-report';
import type { Client, Transport } from '../../client/client';
import { createClient } from '../../client/rest-client';
import { jsonReply, type Reply, type UserInfo } from '../request';
import { type RestRequest, readObject } from '../rest/context';
import { invalid } from '../status';
import type { YamlConverter } from '../yaml/converter';

export interface PathCaller {
  /** Acts as the user who asks, until the signal. */
  readonly client: Client;
  /** The machine of the user: the address that its connection comes from; absent for a client in this process. */
  readonly address?: string;
  /** cluster.local */
  readonly domain: string;
  readonly signal: AbortSignal;
  /** One document, with the bounds of bodies. A long one is converted by a thread. @throws BadRequest */
  readonly yamlToJson: (text: string) => Promise<string>;
}

/** @throws Invalid with the fields of the question that are wrong, NotFound, Forbidden */
export type FindPath = (asked: PathAsked, caller: PathCaller) => Promise<PathReport>;

export interface PathFinderDeps {
  readonly findPath: FindPath;
  readonly transport: (user: UserInfo) => Transport;
  readonly yaml: Pick<YamlConverter, 'toJson'>;
  readonly domain: string;
}

/** Each asks several nodes, which take four questions at once. */
const atOnce = 8;
/** Of one user: who asks for many takes no place from the others. */
const atOnceOfUser = 2;
const timeoutMs = 30_000;
/** How soon the work for a client that has left ends. */
const goneCheckMs = 250;

export class PathFinder {
  private running = 0;
  /** By the name of the user who asks. */
  private readonly ofUser = new Map<string, number>();

  constructor(private readonly deps: PathFinderDeps) {}

  readonly answer = async (rest: RestRequest): Promise<Reply> => {
    const { kind } = rest.route;
    const object = (await readObject(rest, kind)) as PacketPath;
    const { schema } = kind.options;
    const causes = 'definition' in schema ? validateValue(object, schema.definition) : [];
    if (causes.length > 0) throw invalid(kind, '', causes);
    const { metadata = {}, spec } = object;
    const status = await this.find(spec, rest).catch((error: unknown) => {
      // In the words of all refused fields: with the name of the kind.
      if (error instanceof Invalid && error.causes.length > 0) throw invalid(kind, '', error.causes);
      throw error;
    });
    return jsonReply({ kind: kind.kind, apiVersion: kind.apiVersion, metadata, spec, status }, 201);
  };

  private async find(asked: PathAsked, { request }: RestRequest): Promise<PathReport> {
    const leave = this.enter(request.user.name);
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(tooLong()), timeoutMs);
    const left = setInterval(() => {
      if (request.isGone?.()) stop.abort(new AppError('Timeout', 'the client has left'));
    }, goneCheckMs);
    const waitNoLonger = () => {
      clearTimeout(late);
      clearInterval(left);
    };
    stop.signal.addEventListener('abort', waitNoLonger);
    const { findPath, transport, domain, yaml } = this.deps;
    const { signal } = stop;
    const peer = request.peer?.();
    const client = createClient(until(transport(request.user), signal), { userAgent: 'k8ts-path' });
    const address = peer === undefined ? {} : { address: unmappedAddress(peer) };
    const yamlToJson = async (text: string) => (await yaml.toJson(Buffer.from(text))).toString();
    const finding = findPath(asked, { client, ...address, domain, signal, yamlToJson });
    // Counted until its last request has ended: an answer without a reader still keeps nodes busy.
    const ended = () => {
      leave();
      waitNoLonger();
    };
    finding.then(ended, ended);
    return await Promise.race([finding, aborted(signal)]).catch((error: unknown) => {
      throw hasCode(error, 'Forbidden') || !signal.aborted ? error : signal.reason;
    });
  }

  /** Takes a place, and returns how to give it back. @throws TooManyRequests */
  private enter(user: string): () => void {
    const own = this.ofUser.get(user) ?? 0;
    if (own >= atOnceOfUser) {
      throw tooMany(`this server looks for ${atOnceOfUser} paths of user "${user}" already, the most for one user`);
    }
    if (this.running >= atOnce) throw tooMany(`this server looks for ${atOnce} paths already`);
    this.running++;
    this.ofUser.set(user, own + 1);
    return () => {
      this.running--;
      const left = (this.ofUser.get(user) ?? 1) - 1;
      if (left > 0) this.ofUser.set(user, left);
      else this.ofUser.delete(user);
    };
  }
}

const tooMany = (what: string) => new AppError('TooManyRequests', `${what}; ask again in a few seconds`);

const tooLong = () =>
  new AppError('Timeout', `the path was not found within ${timeoutMs / 1000} s: nodes are slow to answer`);

/** Requests end with the signal. */
const until = (transport: Transport, signal: AbortSignal): Transport => ({
  send: (request) =>
    transport.send({ ...request, signal: request.signal ? AbortSignal.any([request.signal, signal]) : signal }),
  close: () => transport.close(),
});

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
