// One request in, one answer out, whatever carried it. The order is that of kube-apiserver: what is asked, who may, then the
// verb. Failures of any kind leave here as a Status.
import type { Duplex } from 'node:stream';
import { parseFieldSelector } from '../api/field-selector';
import { isStored, writesStatus } from '../api/kind';
import type { Clock } from '../base/clock';
import { AppError, hasCode } from '../base/errors';
import { eventLoop, type Work } from '../base/event-loop';
import type { Logger } from '../base/logger';
import { anonymous, unauthorized } from './authn/authenticator';
import { impersonate, wantsImpersonation } from './authn/impersonation';
import { type Authorizer, deniedPath, deniedResource, type ResourceAttributes } from './authz/authorizer';
import type { Metrics } from './metrics';
import {
  type ApiRequest,
  type FullReply,
  header,
  jsonReply,
  queryFlag,
  queryOf,
  type Reply,
  textReply,
} from './request';
import { type RestDeps, type RestRequest, restRequest } from './rest/context';
import { createObject } from './rest/create';
import { deleteCollection, deleteObject } from './rest/delete';
import { negotiate, type Offer } from './rest/negotiate';
import { patchObject } from './rest/patch';
import { getObject, listObjects } from './rest/read';
import { replaceObject } from './rest/update';
import { withWarnings } from './rest/warnings';
import { type WatchLifetime, watchObjects } from './rest/watch';
import type { ResourceRoute, RouteTable } from './route';
import { methodNotAllowed, PathNotFound, pathNotFound, toStatus } from './status';
import type { YamlConverter } from './yaml/converter';

/** Answers a subresource with one of its verbs; `status` needs none. */
export type SubresourceHandler = (rest: RestRequest) => Promise<Reply>;
/** Takes over the connection of an upgrade request. */
export type UpgradeHandler = (rest: RestRequest, socket: Duplex, head: Buffer) => Promise<void>;
/** Answers a path that is no resource; undefined when there is nothing at it. */
export type PathHandler = (request: ApiRequest) => Reply | Promise<Reply> | undefined;

export interface HandlerDeps {
  readonly rest: RestDeps;
  readonly routes: RouteTable;
  readonly authorizer: Authorizer;
  readonly paths: PathHandler;
  /** By `plural/subresource`, e.g. pods/binding. */
  readonly subresources: ReadonlyMap<string, SubresourceHandler>;
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>;
  /** Kinds that are answered without being stored, e.g. subjectaccessreviews; by plural.group. */
  readonly virtual: ReadonlyMap<string, SubresourceHandler>;
  readonly life: WatchLifetime;
  readonly yaml: YamlConverter;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Paths that anyone may read. */
const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);
const reads: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
const isPublic = (path: string): boolean => publicPaths.has(path) || /^\/(livez|readyz|healthz)\/[\w-]+$/.test(path);

export class ApiHandler {
  constructor(private readonly deps: HandlerDeps) {}

  /** Never rejects. */
  async handle(request: ApiRequest): Promise<Reply> {
    const { metrics } = this.deps;
    const timer = metrics.start(request.method);
    const work = workOf(request);
    eventLoop.mark(work);
    let asked: RestRequest | undefined;
    const onRoute = (rest: RestRequest) => {
      asked = rest;
      timer.route(rest.route);
    };
    try {
      const reply = await this.dispatch(markedBody(request, work), onRoute);
      eventLoop.mark(work);
      timer.done(reply.status);
      return withWarnings(reply, asked);
    } catch (err) {
      const status = toStatus(err);
      const code = status.code ?? 500;
      timer.done(code);
      if (code >= 500) this.deps.log.warn('request failed', { method: request.method, path: request.path, error: err });
      if (err instanceof PathNotFound) return textReply('404 page not found\n', 404);
      const reply = await this.inEncodingOf(request, jsonReply(status, code));
      const retryAfter = status.details?.retryAfterSeconds;
      // Clients wait by the header, not by the body.
      return withWarnings(retryAfter ? { ...reply, headers: { 'retry-after': String(retryAfter) } } : reply, asked);
    }
  }

  /**
   * For requests with an Upgrade header. Undefined when the connection was taken over, else the answer to write to it.
   * @throws anything toStatus can turn into a Status
   */
  async upgrade(request: ApiRequest, socket: Duplex, head: Buffer): Promise<Reply | undefined> {
    eventLoop.mark(workOf(request));
    const caller = this.caller(request);
    const route = this.route(caller, false);
    const handler = route && this.deps.upgrades.get(`${route.kind.plural}/${route.subresource}`);
    // A body would have to be read from a connection that may speak another protocol by now.
    if (!handler && caller.method === 'GET') return this.handle(request);
    if (!route) throw pathNotFound();
    const rest = restRequest(caller, this.deps.rest, route);
    this.authorizeResource(rest);
    if (!handler) throw methodNotAllowed();
    // A WebSocket begins with a GET, but what it opens is as much as SPDY's POST.
    if (route.verb !== 'create') this.authorizeResource({ ...rest, route: { ...route, verb: 'create' } });
    await handler(rest, socket, head);
    return undefined;
  }

  private dispatch(request: ApiRequest, onRoute: (rest: RestRequest) => void): Reply | Promise<Reply> {
    const caller = this.caller(request);
    const watch = caller.search !== '' && queryFlag(queryOf(caller), 'watch');
    const route = this.route(caller, watch);
    if (!route) return this.answerPath(caller);
    const rest = restRequest(this.deps.yaml.accept(caller), this.deps.rest, route);
    onRoute(rest);
    this.authorizeResource(rest);
    const { deprecation } = route.kind.options;
    if (deprecation) rest.warnings.push(deprecation);
    const offer = offerOf(route);
    // Upstream refuses a form that it does not have before it reads the body.
    const inYaml = offer && negotiate(header(caller.headers, 'accept'), offer).encoding === 'yaml';
    const reply = this.answerResource(rest);
    return inYaml ? Promise.resolve(reply).then((answer) => this.deps.yaml.toYaml(answer)) : reply;
  }

  /** @throws Unauthorized in place of what is wrong with the path: what is served is told to users alone */
  private route(caller: ApiRequest, watch: boolean): ResourceRoute | undefined {
    try {
      return this.deps.routes.match(caller.method, caller.path, watch);
    } catch (err) {
      throw caller.user === anonymous ? unauthorized(err) : err;
    }
  }

  /** The request as the user it acts for. @throws Unauthorized for nobody who wants to be someone, Forbidden */
  private caller(request: ApiRequest): ApiRequest {
    if (!wantsImpersonation(request.headers)) return request;
    if (request.user === anonymous) throw unauthorized();
    return impersonate(request, this.deps.authorizer);
  }

  private answerPath(request: ApiRequest): Reply | Promise<Reply> {
    const verb = request.method.toLowerCase();
    if (!isPublic(request.path) && !this.deps.authorizer.allowsPath(request.user, verb, request.path)) {
      if (request.user === anonymous) throw unauthorized();
      throw deniedPath(request.user, verb, request.path);
    }
    const reply = this.deps.paths(request);
    if (!reply) throw pathNotFound();
    return reply;
  }

  private authorizeResource(rest: RestRequest): void {
    const attributes = attributesOf(rest);
    const { user } = rest.request;
    // Nobody in particular reads what RBAC opens to all, such as kube-public/cluster-info, and writes nothing.
    if (user === anonymous && (!reads.has(attributes.verb) || !this.deps.authorizer.allowsResource(user, attributes))) {
      throw unauthorized();
    }
    if (!this.deps.authorizer.allowsResource(user, attributes)) {
      throw deniedResource(user, attributes, rest.route.kind);
    }
  }

  /** The route has the verb: RouteTable sees to it. */
  private answerResource(rest: RestRequest): Reply | Promise<Reply> {
    const { kind, verb, subresource } = rest.route;
    const { deps } = this;
    if (subresource !== '' && !writesStatus(kind, subresource)) {
      const handler =
        deps.subresources.get(`${kind.plural}/${subresource}`) ?? deps.subresources.get(`*/${subresource}`);
      if (!handler) throw pathNotFound();
      return handler(rest);
    }
    const virtual = deps.virtual.get(`${kind.plural}.${kind.group}`);
    if (virtual) return virtual(rest);
    switch (verb) {
      case 'get':
        return getObject(deps.rest, rest);
      case 'list':
        return listObjects(deps.rest, rest);
      case 'watch':
        return watchObjects(deps.rest, rest, deps.life);
      case 'create':
        return createObject(deps.rest, rest);
      case 'update':
        return replaceObject(deps.rest, rest);
      case 'patch':
        return patchObject(deps.rest, rest);
      case 'delete':
        return deleteObject(deps.rest, rest);
      case 'deletecollection':
        return deleteCollection(deps.rest, rest);
    }
  }

  /** A failure comes as JSON to clients that accept nothing this server has. */
  private async inEncodingOf({ headers }: ApiRequest, reply: FullReply): Promise<FullReply> {
    try {
      return negotiate(header(headers, 'accept')).encoding === 'yaml' ? await this.deps.yaml.toYaml(reply) : reply;
    } catch (err) {
      if (err instanceof AppError) return reply;
      throw err;
    }
  }
}

/** Streams of the kubelet, in whose form no client has a say. */
const streams: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

/** Undefined where the answer has one form only. */
function offerOf({ kind, verb, subresource }: ResourceRoute): Offer | undefined {
  if (streams.has(subresource)) return undefined;
  if (verb === 'watch') return 'watch';
  const stored = isStored(kind) && (subresource === '' || subresource === 'finalize');
  return stored || writesStatus(kind, subresource) ? 'objects' : 'answers';
}

/** Parts of a log line that the caller chose are cut; the query is left out, since it may hold secrets. */
const maxLogged = 200;
const workOf = ({ method, path, user }: ApiRequest): Work => ({
  kind: 'request',
  describe: () => ({ method, path: path.slice(0, maxLogged), user: user.name.slice(0, maxLogged) }),
});

/** Most of the work of a write begins when its body has arrived. */
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

function attributesOf({ route, query }: RestRequest): ResourceAttributes {
  const { verb, kind, subresource, namespace, name } = route;
  const base = { verb, group: kind.group, resource: kind.plural, subresource, namespace, name };
  const fields = name === '' && (verb === 'list' || verb === 'watch') ? query.get('fieldSelector') : null;
  if (!fields) return base;
  const pinned = pinnedFields(fields);
  const selectedName = pinned.get('metadata.name');
  const selectedNode = pinned.get('spec.nodeName');
  return { ...base, ...(selectedName ? { selectedName } : {}), ...(selectedNode ? { selectedNode } : {}) };
}

/** The fields that a selector demands one value of, by the parser that selects: both must read the text alike. */
function pinnedFields(text: string): ReadonlyMap<string, string> {
  try {
    const demanded = parseFieldSelector(text).filter(({ equal }) => equal);
    // Terms add up, so the first for a field bounds what is selected as much as any other.
    return new Map(demanded.reverse().map(({ path, value }) => [path, value]));
  } catch (err) {
    // The request is about the whole collection until the selection refuses it.
    if (hasCode(err, 'BadRequest')) return new Map();
    throw err;
  }
}
