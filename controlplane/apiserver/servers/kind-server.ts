// Serves the kinds of the catalog, built-in and custom: stored kinds with the generic verbs, kinds that are only requested and
// subresources with a handler of their own.
import type { Duplex } from 'node:stream';
import { partOf, subresourceOf, writesStatus } from '../../api/kind';
import {
  type Authorizer,
  deniedResource,
  noteDecision,
  type ResourceAttributes,
  whenPrepared,
} from '../authz/authorizer';
import { type ApiRequest, queryFlag, queryOf, type Reply } from '../request';
import type { AnswerForms } from '../rest/answer-forms';
import { type RestDeps, type RestRequest, restRequest } from '../rest/context';
import { createObject } from '../rest/create';
import { deleteCollection, deleteObject } from '../rest/delete';
import { negotiateFor } from '../rest/negotiate';
import { patchObject } from '../rest/patch';
import { asAsked, wantsPretty } from '../rest/pretty';
import { getObject, listObjects } from '../rest/read';
import { replaceObject } from '../rest/update';
import { type WatchLifetime, watchObjects } from '../rest/watch';
import type { RouteTable } from '../route';
import { pathNotFound } from '../status';
import { admitConnection, isConnection } from '../subresources/connect';
import { attributesOf } from './attributes';
import type { Match, ResourceServer } from './server';
import { refused } from './unserved';

/** Answers the requests of a subresource; `status` needs no handler. */
export type SubresourceHandler = (rest: RestRequest) => Promise<Reply>;
/** Takes over the connection of an upgrade request. */
export type UpgradeHandler = (rest: RestRequest, socket: Duplex, head: Buffer) => Promise<void>;

export interface KindServerDeps {
  readonly rest: RestDeps;
  readonly routes: RouteTable;
  readonly authorizer: Authorizer;
  /** By `plural/subresource`, e.g. pods/binding. */
  readonly subresources: ReadonlyMap<string, SubresourceHandler>;
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>;
  /** Kinds that are answered without being stored, e.g. subjectaccessreviews; by plural.group. */
  readonly virtual: ReadonlyMap<string, SubresourceHandler>;
  readonly life: WatchLifetime;
  readonly forms: AnswerForms;
}

export class KindServer implements ResourceServer {
  constructor(private readonly deps: KindServerDeps) {}

  match(request: ApiRequest): Match | undefined {
    const { routes, forms, upgrades } = this.deps;
    const watch = request.search !== '' && queryFlag(queryOf(request), 'watch');
    const route = routes.match(request.method, request.path, watch);
    if (!route) return undefined;
    if ('refusal' in route) return refused(this.deps.authorizer, request, route.refusal);
    // What a proxy passes on stays as it was sent.
    const proxied = route.subresource !== '' && subresourceOf(route.kind, route.subresource)?.takesPath === true;
    const rest = restRequest(proxied ? request : forms.yaml.accept(request), this.deps.rest, route);
    const upgrade = route.subresource === '' ? undefined : upgrades.get(`${route.kind.plural}/${route.subresource}`);
    return {
      rest,
      authorize: () => this.authorize(rest),
      serve: () => this.serve(rest),
      ...(upgrade ? { upgrade: (socket, head) => this.upgrade(upgrade, rest, socket, head) } : {}),
    };
  }

  private authorize(rest: RestRequest): void | Promise<void> {
    const attributes = attributesOf(rest);
    const { authorizer } = this.deps;
    return whenPrepared(authorizer, rest.request.user, attributes, () => this.decide(rest, attributes));
  }

  private decide(rest: RestRequest, attributes: ResourceAttributes): void {
    const { authorizer } = this.deps;
    const { user } = rest.request;
    const allowed = authorizer.allowsResource(user, attributes);
    noteDecision(authorizer, rest.request, attributes, allowed);
    if (allowed) return;
    throw deniedResource(authorizer, user, attributes, rest.route.kind);
  }

  private async upgrade(handler: UpgradeHandler, rest: RestRequest, socket: Duplex, head: Buffer): Promise<void> {
    await this.authorize(rest);
    // A WebSocket begins with a GET, but it gives the same access as the POST of SPDY.
    if (rest.route.verb !== 'create') await this.authorize({ ...rest, route: { ...rest.route, verb: 'create' } });
    const admitted = isConnection(rest.route.subresource) ? await admitConnection(this.deps.rest, rest) : rest;
    // A webhook may take longer than the client waits.
    if (socket.destroyed) return;
    await handler(admitted, socket, head);
  }

  private serve(rest: RestRequest): Reply | Promise<Reply> {
    const { deprecation } = rest.route.kind.options;
    if (deprecation) rest.warnings.push(deprecation);
    // Upstream refuses an unsupported form before it reads the body.
    const { encoding } = negotiateFor(rest);
    const reply = this.answer(rest);
    if (encoding !== 'json') return Promise.resolve(reply).then((answer) => this.deps.forms.encode(answer, encoding));
    // The body of a connection or log is not ours.
    if (isConnection(rest.route.subresource) || rest.route.subresource === 'log' || !wantsPretty(rest.request))
      return reply;
    return Promise.resolve(reply).then((answer) => asAsked(rest.request, answer));
  }

  /** RouteTable has checked that the route has the verb. */
  private answer(rest: RestRequest): Reply | Promise<Reply> {
    const { kind, verb, subresource } = rest.route;
    const { deps } = this;
    if (subresource !== '' && !writesStatus(kind, subresource) && !partOf(kind, subresource)) {
      const handler =
        deps.subresources.get(`${kind.plural}/${subresource}`) ?? deps.subresources.get(`*/${subresource}`);
      if (!handler) throw pathNotFound();
      return isConnection(subresource) ? connect(deps.rest, rest, handler) : handler(rest);
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
}

async function connect(deps: RestDeps, rest: RestRequest, handler: SubresourceHandler): Promise<Reply> {
  return handler(await admitConnection(deps, rest));
}
