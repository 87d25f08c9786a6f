// Resolves names outside the zone: asks the upstream servers, healthy ones first, and caches their answers.
import type { Clock } from '../../controlplane/base/clock';
import { describeError, Unavailable } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { rcodes, udpPayloadSize } from './message';
import { optType, type RawQuestion, rcodeOf, readQuestion } from './raw';
import { exchange, formatUpstream, type UpstreamAddress } from './upstream';
import { UpstreamCache } from './upstream-cache';

export interface ForwarderDeps {
  readonly upstreams: readonly UpstreamAddress[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly ask?: typeof exchange;
  /** For metrics: called once per exchange. */
  readonly onExchange?: (upstream: string, rcode: number | undefined) => void;
}

/** The time for one answer of one server; a resolver in a pod gives up after 5 s. */
const timeoutMs = 2_000;
/** A server that failed is asked last for this long. */
const restMs = 10_000;
/** Maximum of concurrent questions; more are refused, so that dead upstream servers do not fill the memory. */
const maxInFlight = 1_000;

export interface ForwardFlags {
  readonly edns: boolean;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export class Forwarder {
  private readonly cache = new UpstreamCache();
  private readonly inFlight = new Map<string, Promise<Buffer>>();
  private readonly failedAt = new Map<string, number>();
  constructor(private readonly deps: ForwarderDeps) {}

  get isConfigured(): boolean {
    return this.deps.upstreams.length > 0;
  }

  /**
   * The upstream's answer as bytes, with current TTLs; its ID and the question's case may be those of another query. Equal
   * concurrent questions share one exchange. @throws Unavailable when no server answers
   */
  async resolve(question: RawQuestion, flags: ForwardFlags): Promise<Buffer> {
    const query = buildQuery(question, flags);
    const key = query.toString('latin1', 2);
    const cached = this.cache.get(key, this.deps.clock.now());
    if (cached) return cached;
    let running = this.inFlight.get(key);
    if (!running) {
      if (this.inFlight.size >= maxInFlight)
        throw new Unavailable(`${maxInFlight} questions wait for upstream servers`);
      running = this.ask(query).then((answer) => {
        this.cache.set(key, answer, this.deps.clock.now());
        return answer;
      });
      this.inFlight.set(key, running);
      const done = () => this.inFlight.delete(key);
      running.then(done, done);
    }
    return Buffer.from(await running);
  }

  private async ask(query: Buffer): Promise<Buffer> {
    const { clock, log, onExchange, ask = exchange } = this.deps;
    const failures: string[] = [];
    let refusal: Buffer | undefined;
    for (const server of this.byHealth()) {
      const name = formatUpstream(server);
      try {
        const answer = await ask(query, server, timeoutMs);
        onExchange?.(name, rcodeOf(answer));
        // SERVFAIL and REFUSED are failures of this server: another server may know the name.
        if (rcodeOf(answer) !== rcodes.SERVFAIL && rcodeOf(answer) !== rcodes.REFUSED) {
          this.failedAt.delete(name);
          return answer;
        }
        refusal = answer;
      } catch (error) {
        onExchange?.(name, undefined);
        if (!this.failedAt.has(name)) log.warn('an upstream server does not answer', { server: name, error });
        this.failedAt.set(name, clock.now());
        failures.push(`${name}: ${describeError(error)}`);
      }
    }
    if (refusal) return refusal;
    throw new Unavailable(`no upstream server answered: ${failures.join('; ')}`);
  }

  private byHealth(): UpstreamAddress[] {
    const now = this.deps.clock.now();
    const rests = (server: UpstreamAddress) => {
      const failed = this.failedAt.get(formatUpstream(server));
      return failed !== undefined && now - failed < restMs ? 1 : 0;
    };
    return [...this.deps.upstreams].sort((a, b) => rests(a) - rests(b));
  }
}

/** A new query with only the client's question and the flags that change the answer (EDNS options are for one hop only). */
function buildQuery({ name, type, class: cls }: RawQuestion, flags: ForwardFlags): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const opt = flags.edns ? 11 : 0;
  const size = 12 + labels.reduce((sum, label) => sum + label.length + 1, 0) + 5 + opt;
  const query = Buffer.alloc(size);
  query[2] = 0x01; // RD
  query[3] = flags.checkingDisabled ? 0x10 : 0;
  query.writeUInt16BE(1, 4);
  let at = 12;
  for (const label of labels) {
    query[at++] = label.length;
    at += query.write(label, at, 'latin1');
  }
  at = query.writeUInt16BE(type, at + 1);
  at = query.writeUInt16BE(cls, at);
  if (!flags.edns) return query;
  query.writeUInt16BE(1, 10);
  at = query.writeUInt16BE(optType, at + 1);
  at = query.writeUInt16BE(udpPayloadSize, at);
  query.writeUInt32BE(flags.dnssecOk ? 0x8000 : 0, at);
  return query;
}

/** The upstream's answer as a reply to this client: with the client's ID, RD bit and spelling of the question. */
export function toReply(answer: Buffer, query: Buffer): Buffer {
  const reply = Buffer.from(answer);
  const asked = readQuestion(query);
  const answered = readQuestion(reply);
  reply[0] = query[0]!;
  reply[1] = query[1]!;
  reply[2] = (reply[2]! & 0xfe) | (query[2]! & 0x01);
  reply[3]! |= 0x80; // RA
  if (asked && answered && asked.end === answered.end) query.copy(reply, 12, 12, asked.end);
  return reply;
}
