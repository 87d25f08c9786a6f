// From a query to its answer: cached bytes, the zone, or an upstream server. The responder never throws, whatever bytes arrive: a
// query without an answer gets an error code, a message that is not a query gets no reply.
import { performance } from 'node:perf_hooks';
import { type Clock, systemClock } from '../../controlplane/base/clock';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { AnswerCache, CachedAnswer } from './answer-cache';
import { type Forwarder, toReply } from './forwarder';
import { isInZone, lookup, lookupReverse, type ZoneFacts } from './lookup';
import {
  encodeReply,
  ixfrType,
  parseQuery,
  type Query,
  queryType,
  type Reply,
  type Resource,
  rcodeName,
  rcodes,
  resourcesIn,
  sizeLimit,
  type Transport,
  toResource,
  typeLabel,
  types,
} from './message';
import type { Counter, DnsMetrics } from './metrics';
import {
  hasProperEdns,
  headerSize,
  isResponse,
  type RawQuestion,
  rcodeOf,
  readQuestion,
  truncated,
  withId,
} from './raw';
import type { Answer } from './records';
import type { Zone } from './zone';

export interface ResponderDeps {
  readonly zone: Zone;
  readonly facts: () => ZoneFacts;
  readonly forwarder: Forwarder;
  readonly metrics: DnsMetrics;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Whether upstream servers may be asked for this client; default: for every client. */
  readonly mayRecurse?: (address: string | undefined) => boolean;
}

/** The client of a query. The address is valid only during the call: the socket's next query may have another. */
export interface Sender {
  readonly address: string | undefined;
}

const classIn = 1;
/**
 * A restarted server knows its zone in well under a second: until then questions wait and do not fail. The wait is shorter than
 * that of resolvers (resolv.conf: 5 s).
 */
export const holdMs = 3_000;
const maxHeld = 1_000;
/** Number of rotated orders kept for one answer with many records: enough to spread load, and few enough for the memory. */
const maxForms = 16;
/** Types that ask for the records of several names, or for the complete zone. */
const refusedTypes: ReadonlySet<number> = new Set([types.AXFR, ixfrType, types.MAILA, types.MAILB]);

/** A query to answer. */
interface Asked {
  readonly bytes: Buffer;
  readonly query: Query;
  readonly question: RawQuestion;
  readonly transport: Transport;
  readonly limit: number;
  /** This client may ask for names outside the zone, and an upstream server is configured. */
  readonly recursion: boolean;
}

export class Responder {
  private readonly caches = { udp: new AnswerCache<Counter>(), tcp: new AnswerCache<Counter>() };
  private generation = -1;
  private held = 0;

  constructor(private readonly deps: ResponderDeps) {}

  /** The answer to a query; undefined when it gets none. The query's bytes are not used after the call. */
  handle(query: Buffer, transport: Transport, from?: Sender): Buffer | undefined | Promise<Buffer> {
    const { zone, metrics } = this.deps;
    if (query.length < headerSize || isResponse(query)) {
      metrics.dropped++;
      return undefined;
    }
    const started = performance.now();
    if (this.generation !== zone.generation) this.forget();
    const cached = this.caches[transport].get(AnswerCache.keyOf(query));
    if (cached) {
      cached.tag.value++;
      metrics.cacheHits++;
      const answer = withId(cached.take(), query);
      metrics.observe((performance.now() - started) / 1_000);
      return answer;
    }
    metrics.cacheMisses++;
    const answer = this.workOut(Buffer.from(query), transport, from);
    if (!(answer instanceof Promise)) {
      metrics.observe((performance.now() - started) / 1_000);
      return answer;
    }
    return answer.then((bytes) => {
      metrics.observe((performance.now() - started) / 1_000);
      return bytes;
    });
  }

  private forget(): void {
    this.caches.udp.clear();
    this.caches.tcp.clear();
    this.generation = this.deps.zone.generation;
  }

  private workOut(bytes: Buffer, transport: Transport, from: Sender | undefined): Buffer | Promise<Buffer> {
    let query: Query;
    try {
      query = parseQuery(bytes);
    } catch {
      return this.malformed(bytes, transport);
    }
    const question = readQuestion(bytes);
    const limit = sizeLimit(query, transport);
    try {
      if (query.packet.header.opcode !== 0) return this.refuse(query, transport, question, rcodes.NOTIMP);
      if (!question || query.packet.errors.length > 0 || !hasProperEdns(bytes)) return this.malformed(bytes, transport);
      if (query.edns && query.edns.version > 0) return this.refuse(query, transport, question, rcodes.BADVERS);
      if (question.class !== classIn || refusedTypes.has(question.type)) {
        return this.refuse(query, transport, question, rcodes.REFUSED);
      }
      const { forwarder, mayRecurse } = this.deps;
      const recursion = forwarder.isConfigured && (!mayRecurse || mayRecurse(from?.address));
      return this.answer({ bytes, query, question, transport, limit, recursion });
    } catch (error) {
      this.deps.log.error('a query could not be answered', { error, name: question?.name });
      return this.refuse(query, transport, question, rcodes.SERVFAIL);
    }
  }

  private answer(asked: Asked, mayWait = true): Buffer | Promise<Buffer> {
    const { zone, facts } = this.deps;
    const { query, question, transport, recursion } = asked;
    const type = queryType(question.type);
    const inZone = isInZone(zone, question.name);
    const found = inZone ? lookup(zone, facts(), question.name, type) : lookupReverse(zone, question.name, type);
    if (found && !zone.synced && mayWait && this.held < maxHeld) {
      return this.hold().then(() => this.answer(asked, false));
    }
    if (found?.chase !== undefined) return this.chase(asked, found);
    if (found) return this.fromZone(asked, found);
    if (!recursion || question.type === types.ANY) return this.refuse(query, transport, question, rcodes.REFUSED);
    return this.forward(asked);
  }

  /** Waits until the zone is known, but not longer than holdMs. */
  private async hold(): Promise<void> {
    const { zone, clock = systemClock } = this.deps;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(holdMs, late.resolve);
    this.held++;
    await Promise.race([zone.whenSynced, late.promise]);
    this.held--;
    cancel();
  }

  private fromZone({ bytes, query, question, transport, limit }: Asked, found: Answer): Buffer {
    const asked = query.packet.questions[0]!.name;
    const reply = this.toReply(found, asked);
    const spread = lastRun(reply.answers);
    const count = reply.answers.length - spread;
    const forms = Math.min(Math.max(1, count), maxForms);
    const make = (turn: number) => {
      const by = Math.floor((turn * count) / forms);
      return encodeReply(query, { ...reply, answers: rotate(reply.answers, spread, by) }, limit);
    };
    const counter = this.counter(transport, this.deps.zone.origin, question.type, reply.rcode);
    counter.value++;
    const answer = new CachedAnswer(forms, make, counter);
    // Names in mixed case (0x20) and options that differ each time would fill the cache with answers that are never used again.
    const lasts = this.deps.zone.synced && question.isLowerCase && !query.edns?.hasOptions;
    const form = answer.take();
    if (lasts) this.caches[transport].set(AnswerCache.keyOf(bytes), answer, forms * form.length);
    return withId(form, bytes);
  }

  private toReply(found: Answer, asked: string): Reply {
    const resources = (records: Answer['answers']) => records.map((record) => toResource(record, asked));
    return {
      rcode: rcodes[found.rcode],
      authoritative: found.rcode !== 'SERVFAIL',
      recursionAvailable: this.deps.forwarder.isConfigured,
      answers: resources(found.answers),
      authority: resources(found.authority),
      additional: resources(found.additional),
    };
  }

  /**
   * An alias leads out of the zone: an upstream server resolves the rest. When no server answers, the reply is the alias alone.
   */
  private async chase({ query, question, transport, limit, recursion }: Asked, found: Answer) {
    const { forwarder, log, zone } = this.deps;
    const reply = this.toReply(found, query.packet.questions[0]!.name);
    let answers = reply.answers;
    let rcode = reply.rcode;
    if (recursion && found.chase !== undefined) {
      try {
        const target = { ...question, name: found.chase };
        const flags = { edns: true, dnssecOk: false, checkingDisabled: false };
        const upstream = await forwarder.resolve(target, flags);
        answers = [...answers, ...resourcesIn(upstream)];
        // RFC 6604: the reply's code is the code of the last name in the chain.
        if (rcodeOf(upstream) === rcodes.NXDOMAIN) rcode = rcodes.NXDOMAIN;
      } catch (error) {
        log.debug('an alias could not be followed, answering with the alias alone', {
          target: found.chase,
          error: describeError(error),
        });
      }
    }
    this.counter(transport, zone.origin, question.type, rcode).value++;
    return encodeReply(query, { ...reply, rcode, answers }, limit);
  }

  private async forward({ bytes, query, question, transport, limit }: Asked) {
    const { forwarder, log } = this.deps;
    try {
      const { edns, packet } = query;
      const checkingDisabled = (packet.header as { cd?: number }).cd === 1;
      const flags = { edns: edns !== undefined, dnssecOk: edns?.dnssecOk ?? false, checkingDisabled };
      const reply = toReply(await forwarder.resolve(question, flags), bytes);
      this.counter(transport, '.', question.type, rcodeOf(reply)).value++;
      return reply.length <= limit ? reply : truncated(reply);
    } catch (error) {
      log.debug('a question could not be forwarded', { name: question.name, error: describeError(error) });
      return this.refuse(query, transport, question, rcodes.SERVFAIL);
    }
  }

  private refuse(query: Query, transport: Transport, question: RawQuestion | undefined, rcode: number): Buffer {
    this.counter(transport, '.', question?.type ?? 0, rcode).value++;
    const recursionAvailable = this.deps.forwarder.isConfigured;
    return encodeReply(
      query,
      { rcode, authoritative: false, recursionAvailable, answers: [] },
      sizeLimit(query, transport),
    );
  }

  /** FORMERR with the header alone, because the rest of the message is not reliable. */
  private malformed(bytes: Buffer, transport: Transport): Buffer {
    this.counter(transport, '.', 0, rcodes.FORMERR).value++;
    const reply = Buffer.alloc(headerSize);
    bytes.copy(reply, 0, 0, 4);
    // QR, with the client's opcode and RD bit; not TC.
    reply[2] = (reply[2]! & 0x79) | 0x80;
    reply[3] = rcodes.FORMERR;
    return reply;
  }

  private counter(proto: Transport, zone: string, type: number, rcode: number): Counter {
    const labels = { proto, zone: zone === '.' ? '.' : `${zone}.`, type: typeLabel(type) };
    return this.deps.metrics.answer({ ...labels, rcode: rcodeName(rcode) });
  }
}

/** The offset of the last run of records with one type: the records before it (aliases) have a fixed order. */
function lastRun(answers: readonly Resource[]): number {
  let start = answers.length;
  while (start > 0 && answers[start - 1]!.type === answers.at(-1)!.type) start--;
  return answers.at(-1)?.type === types.CNAME ? answers.length : start;
}

function rotate(answers: readonly Resource[], start: number, by: number): readonly Resource[] {
  if (by === 0) return answers;
  const run = answers.slice(start);
  return [...answers.slice(0, start), ...run.slice(by), ...run.slice(0, by)];
}
