// One request in, one answer out, for every transport. The order is kube-apiserver's: find the server of the path, be as new as the store, wait for a seat,
// authorize, then answer. Every failure becomes a Status here.
import type { Duplex } from 'node:stream';
import { isCustom } from '../api/kind';
import { AppError, describeError, StoreUnavailable } from '../base/errors';
import { eventLoop, type Work } from '../base/event-loop';
import type { Logger } from '../base/logger';
import type { Auditor } from './audit/auditor';
import type { AuditedRequest } from './audit/request-fields';
import { impersonate, prepareImpersonation, wantsImpersonation } from './authn/impersonation';
import type { Authorizer } from './authz/authorizer';
import { type Admission, free, type RequestLimits, TooManyRequests } from './flowcontrol/limits';
import type { Metrics, RequestTimer } from './metrics';
import { type ApiRequest, type FullReply, header, jsonReply, type Reply, textReply } from './request';
import { checkTimeout } from './request-timeout';
import type { AnswerForms } from './rest/answer-forms';
import type { RestRequest } from './rest/context';
import { negotiate } from './rest/negotiate';
import { asAsked, indentJson } from './rest/pretty';
import { withWarnings } from './rest/warnings';
import type { Match, ResourceServer } from './servers/server';
import { unserved } from './servers/unserved';
import { methodNotAllowed, PathNotFound, pathNotFound, StatusError, toStatus } from './status';

export interface HandlerDeps {
  /** In the order in which they are asked for a path. */
  readonly servers: readonly ResourceServer[];
  /** Defined while a change of the served kinds is under way that concerns the path: the request waits for it. */
  readonly settling?: (path: string) => Promise<void> | undefined;
  /** Defined when other servers write to the same store: resolves when this one has their acknowledged writes. */
  readonly fresh: () => Promise<void> | undefined;
  readonly authorizer: Authorizer;
  readonly forms: AnswerForms;
  /** How many requests run at once. */
  readonly limits: RequestLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Absent: no request is recorded. */
  readonly auditor?: Auditor;
}

export class ApiHandler {
  constructor(private readonly deps: HandlerDeps) {}

  /** Never rejects. */
  async handle(request: ApiRequest): Promise<Reply> {
    const { auditor } = this.deps;
    if (!auditor) return this.answer(request);
    const { id, record } = auditor.begin(request);
    if (!record) return withAuditId(await this.answer(request), id);
    return record.answered(await this.answer({ ...request, audit: record }));
  }

  /** The answer to a request whose credentials are wrong. */
  refuse(request: AuditedRequest, err: unknown): Reply {
    const status = toStatus(err);
    const reply = jsonReply(status, status.code);
    const { auditor } = this.deps;
    if (!auditor) return reply;
    const { id, record } = auditor.begin(request);
    if (!record) return withAuditId(reply, id);
    record.refused({ ...status, message: failedAuthentication(request) });
    return record.answered(reply);
  }

  private async answer(request: ApiRequest): Promise<Reply> {
    const { metrics } = this.deps;
    const timer = metrics.start(request.method, request.path);
    const work = workOf(request);
    eventLoop.mark(work);
    let asked: RestRequest | undefined;
    let admission = free;
    const onMatch = (match: Match, caller: ApiRequest) => {
      asked = match.rest;
      if (asked) timer.route(asked);
      admission = this.deps.limits.admit(caller, asked?.route);
      if (admission.wait) countWait(timer, admission.wait);
      return admission;
    };
    try {
      checkTimeout(request);
      const settling = this.deps.settling?.(request.path);
      if (settling) await settling;
      const reply = await this.dispatch(markedBody(request, work), onMatch);
      eventLoop.mark(work);
      timer.done(reply.status, sizeOf(reply, request));
      return metrics.follow(withHeaders(withWarnings(reply, asked), admission, request), asked);
    } catch (err) {
      return withHeaders(await this.failure(err, request, { timer, asked }), admission, request);
    }
  }

  private async failure(
    err: unknown,
    request: ApiRequest,
    { timer, asked }: { readonly timer: RequestTimer; readonly asked: RestRequest | undefined },
  ): Promise<Reply> {
    if (err instanceof TooManyRequests) {
      timer.cut(429);
      return { ...textReply(`${err.message}\n`, 429), headers: refusalHeaders };
    }
    const status = toStatus(err);
    const code = status.code ?? 500;
    timer.done(code);
    if (code >= 500 && !isReported(err)) {
      this.deps.log.warn('request failed', { method: request.method, path: request.path, error: err });
    }
    if (request.audit && !(err instanceof AppError)) request.audit.panicked(describeError(err));
    if (err instanceof PathNotFound) return { ...textReply('404 page not found\n', 404), headers: plainTextError };
    const reply = await this.inEncodingOf(request, jsonReply(status, code));
    const retryAfter = status.details?.retryAfterSeconds;
    // Clients read the waiting time from the header, not from the body.
    return withWarnings(retryAfter ? { ...reply, headers: { 'retry-after': String(retryAfter) } } : reply, asked);
  }

  /**
   * For requests with an Upgrade header. Undefined when a handler took over the connection, else the answer to write to it.
   * @throws anything toStatus can turn into a Status
   */
  async upgrade(request: ApiRequest, socket: Duplex, head: Buffer): Promise<Reply | undefined> {
    const record = this.deps.auditor?.begin(request).record;
    if (!record) return this.upgradeAs(request, socket, head);
    try {
      socket.once('close', () => record.finish());
      const reply = await this.upgradeAs({ ...request, audit: record }, socket, head);
      if (reply) return record.answered(reply);
      record.started(switchingProtocols);
      return undefined;
    } catch (err) {
      const status = toStatus(err);
      record.answered(jsonReply(status, status.code));
      throw err;
    }
  }

  private async upgradeAs(request: ApiRequest, socket: Duplex, head: Buffer): Promise<Reply | undefined> {
    eventLoop.mark(workOf(request));
    await this.prepareCaller(request);
    const caller = this.caller(request);
    const match = this.match(caller);
    if (match?.upgrade) {
      if (match.rest) socket.once('close', this.deps.metrics.begin(match.rest));
      await this.deps.fresh();
      await match.upgrade(socket, head);
      return undefined;
    }
    // The body of another method cannot be read: the connection may already use another protocol.
    if (caller.method === 'GET') return this.answer(request);
    await match?.authorize();
    if (match?.unserved) await match.serve();
    if (!match?.rest) throw pathNotFound();
    throw methodNotAllowed();
  }

  private dispatch(
    request: ApiRequest,
    onMatch: (match: Match, caller: ApiRequest) => Admission,
  ): Reply | Promise<Reply> {
    const prepared = this.prepareCaller(request);
    return prepared
      ? prepared.then(() => this.dispatchPrepared(request, onMatch))
      : this.dispatchPrepared(request, onMatch);
  }

  /** What caller() needs to know from outside the server. */
  private prepareCaller(request: ApiRequest): Promise<void> | undefined {
    if (!wantsImpersonation(request.headers)) return undefined;
    return prepareImpersonation(request, this.deps.authorizer);
  }

  private dispatchPrepared(
    request: ApiRequest,
    onMatch: (match: Match, caller: ApiRequest) => Admission,
  ): Reply | Promise<Reply> {
    const caller = this.caller(request);
    const match = this.match(caller);
    if (!match) throw pathNotFound();
    const fresh = needsNewest(match, caller) ? this.deps.fresh() : undefined;
    if (!fresh) return this.admit(match, caller, onMatch);
    return fresh.then(() =>
      isOfDefinitions(match, caller) ? this.matchAgain(caller, onMatch) : this.admit(match, caller, onMatch),
    );
  }

  /** Another server may have changed which kinds there are; this one acts on it now. */
  private async matchAgain(
    caller: ApiRequest,
    onMatch: (match: Match, caller: ApiRequest) => Admission,
  ): Promise<Reply> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    await this.deps.settling?.(caller.path);
    const match = this.match(caller);
    if (!match) throw pathNotFound();
    return this.admit(match, caller, onMatch);
  }

  private admit(
    match: Match,
    caller: ApiRequest,
    onMatch: (match: Match, caller: ApiRequest) => Admission,
  ): Reply | Promise<Reply> {
    const { wait, done } = onMatch(match, caller);
    return wait ? wait.then(() => this.serve(match, done)) : this.serve(match, done);
  }

  /** `done` is called when the answer is there, or its error. */
  private serve(match: Match, done: (() => void) | undefined): Reply | Promise<Reply> {
    if (!done) return serveAuthorized(match);
    let pending = false;
    try {
      const reply = serveAuthorized(match);
      if (!(reply instanceof Promise)) return reply;
      pending = true;
      return reply.finally(done);
    } finally {
      if (!pending) done();
    }
  }

  /** Only who may send the request sees that nothing is served at the path. */
  private match(caller: ApiRequest): Match | undefined {
    try {
      for (const server of this.deps.servers) {
        const match = server.match(caller);
        if (match) return match;
      }
      return undefined;
    } catch (err) {
      return unserved(this.deps.authorizer, caller, () => {
        throw err;
      });
    }
  }

  /** The request as the impersonated user, if any. @throws Forbidden, BadRequest */
  private caller(request: ApiRequest): ApiRequest {
    if (!wantsImpersonation(request.headers)) return request;
    const { caller, constraint } = impersonate(request, this.deps.authorizer);
    if (caller.user !== request.user) request.audit?.actsAs(caller.user, constraint);
    return caller;
  }

  /** The failure in the encoding that the client accepts; indented JSON when it accepts only other forms. */
  private async inEncodingOf(request: ApiRequest, reply: FullReply): Promise<FullReply> {
    const { headers } = request;
    try {
      const { encoding } = negotiate(header(headers, 'accept'), 'failures');
      return encoding === 'json' ? asAsked(request, reply) : await this.deps.forms.encode(reply, encoding);
    } catch (err) {
      if (err instanceof StatusError && err.status === 406)
        return { ...reply, body: Buffer.from(indentJson(reply.body.toString())) };
      if (err instanceof AppError) return asAsked(request, reply);
      throw err;
    }
  }
}

/** One line for a fault that many requests meet is enough. */
const isReported = (err: unknown): boolean => err instanceof StoreUnavailable;

const switchingProtocols = 101;

const withAuditId = (reply: Reply, id: string): Reply => ({ ...reply, headers: { ...reply.headers, 'audit-id': id } });

/** The words of upstream, which audit logs are searched for. */
function failedAuthentication({ headers }: AuditedRequest): string {
  const scheme = header(headers, 'authorization').split(' ', 1)[0] ?? '';
  const known = /^(bearer|basic)$/i.test(scheme) ? scheme.toLowerCase() : '';
  return known === '' ? 'Authentication failed, no credentials provided' : `Authentication failed, attempted: ${known}`;
}

function countWait(timer: RequestTimer, wait: Promise<void>): void {
  const began = performance.now();
  const ended = () => timer.queued(performance.now() - began);
  wait.then(ended, ended);
}

/** Undefined for a stream, and for a reader in this process, for whom no bytes are made. */
const sizeOf = (reply: Reply, { decoded }: ApiRequest): number | undefined =>
  'body' in reply && !decoded ? reply.body.length : undefined;

/** A read that names a revision, or continues an earlier one, needs no newer state; nor do paths that show no objects. */
function needsNewest(match: Match, caller: ApiRequest): boolean {
  if (!match.rest) return isOfDefinitions(match, caller);
  const { query, route } = match.rest;
  return !(isRead(route.verb) && (query.get('resourceVersion') || query.get('continue')));
}
const isRead = (verb: string): boolean => verb === 'get' || verb === 'list' || verb === 'watch';

/** Whether the request is served, and how, depends on CustomResourceDefinitions. */
const isOfDefinitions = ({ unserved, rest }: Match, { path }: ApiRequest): boolean =>
  unserved === true || (rest ? isCustom(rest.route.kind) : isDiscovery(path));
const isDiscovery = (path: string): boolean => /^\/(?:api|apis|openapi)(?:\/[^/]*){0,2}$/.test(path);

function serveAuthorized(match: Match): Reply | Promise<Reply> {
  const authorized = match.authorize();
  return authorized ? authorized.then(() => match.serve()) : match.serve();
}

const plainTextError = { 'x-content-type-options': 'nosniff' };
/** Seconds; upstream's number of a server that was not overloaded before. */
const refusalHeaders = { 'retry-after': '1', ...plainTextError };

/** A client in this process reads no headers. */
function withHeaders(reply: Reply, { headers }: Admission, { decoded }: ApiRequest): Reply {
  return headers && !decoded
    ? { ...reply, headers: reply.headers ? { ...reply.headers, ...headers } : headers }
    : reply;
}

/** Log lines cut texts that the caller chose, and omit the query, since it may contain secrets. */
const maxLogged = 200;
const workOf = ({ method, path, user }: ApiRequest): Work => ({
  kind: 'request',
  describe: () => ({ method, path: path.slice(0, maxLogged), user: user.name.slice(0, maxLogged) }),
});

/** Marks the work again when the body has arrived, since most of the work of a write begins then. */
function markedBody(request: ApiRequest, work: Work): ApiRequest {
  return {
    ...request,
    body: async () => {
      const body = await request.body();
      eventLoop.mark(work);
      return body;
    },
  };
}
