// Serves the paths that are not resources: health, version, metrics, discovery, OpenAPI. It is the last server and takes all paths
// that no other server has, so that an unknown path is authorized before the answer 404.
import { type Authorizer, deniedPath, noteDecision, whenPrepared } from '../authz/authorizer';
import type { ApiRequest, Reply } from '../request';
import { nothingServed } from '../route';
import { methodNotAllowed, pathNotFound } from '../status';
import type { Match, ResourceServer } from './server';
import { refused } from './unserved';

/** Answers a GET; undefined when the path does not exist. `path` has no slash at its end. */
export type PathHandler = (request: ApiRequest, path: string) => Reply | Promise<Reply> | undefined;

/** By path. A key with a slash at its end matches the path without the slash and all paths below; exact keys win. */
export type PathTable = Readonly<Record<string, PathHandler>>;

/** Paths that anyone may read. */
const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);
const isPublic = ({ method, path }: ApiRequest): boolean => method === 'GET' && publicPaths.has(path);

/** Paths below a group version are resources. */
const isResourcePath = (path: string): boolean => /^\/(?:api\/[^/]*|apis\/[^/]*\/[^/]*)\/./.test(path);
/** Paths whose only method is GET, as upstream; the others answer HEAD, too. */
const isGetOnly = (path: string): boolean => /^\/(?:version|api|api\/[^/]+|apis\/[^/]+\/[^/]+)$/.test(path);
/** The group of a path below /apis; '' below /api. */
const groupOf = (path: string): string => (path.startsWith('/apis/') ? path.split('/')[2]! : '');

export class PathServer implements ResourceServer {
  private readonly exact: ReadonlyMap<string, PathHandler>;
  private readonly prefixes: readonly (readonly [string, PathHandler])[];

  constructor(
    table: PathTable,
    private readonly authorizer: Authorizer,
  ) {
    const entries = Object.entries(table);
    const isPrefix = (key: string) => key.length > 1 && key.endsWith('/');
    this.exact = new Map(entries.filter(([key]) => !isPrefix(key)));
    // Longest first, so that the nearest folder answers.
    this.prefixes = entries.filter(([key]) => isPrefix(key)).sort(([a], [b]) => b.length - a.length);
  }

  match(request: ApiRequest): Match {
    const { path } = request;
    if (isResourcePath(path)) return refused(this.authorizer, request, nothingServed(groupOf(path)));
    return { authorize: () => this.authorize(request), serve: () => this.serve(request) };
  }

  private authorize(request: ApiRequest): void | Promise<void> {
    const { method, path, user } = request;
    const verb = method.toLowerCase();
    if (isPublic(request)) return this.decide(request, verb);
    return whenPrepared(this.authorizer, user, { verb, path }, () => this.decide(request, verb));
  }

  private decide(request: ApiRequest, verb: string): void {
    const { path, user } = request;
    const allowed = isPublic(request) || this.authorizer.allowsPath(user, verb, path);
    noteDecision(this.authorizer, request, { verb, path }, allowed);
    if (allowed) return;
    throw deniedPath(this.authorizer, user, verb, path);
  }

  private serve(request: ApiRequest): Reply | Promise<Reply> {
    // Upstream knows these exactly as they are.
    if (/^\/(?:healthz|livez|readyz|metrics)\/$/.test(request.path)) throw pathNotFound();
    const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
    const handler = this.handlerOf(path);
    if (!handler) throw pathNotFound();
    const { method } = request;
    const allowed = method === 'GET' || (method === 'HEAD' && !isGetOnly(path));
    // A group that has no server is unknown for every method; other documents are not made for a request that gets none.
    const isDiscovery = /^\/apis?(?:\/|$)/.test(path);
    if (!allowed && !isDiscovery) throw methodNotAllowed();
    const reply = handler(request, path);
    if (!reply) throw isDiscovery ? nothingServed(groupOf(path)) : pathNotFound();
    if (!allowed) throw methodNotAllowed();
    return reply;
  }

  private handlerOf(path: string): PathHandler | undefined {
    const exact = this.exact.get(path);
    if (exact) return exact;
    const below = `${path}/`;
    return this.prefixes.find(([prefix]) => below.startsWith(prefix))?.[1];
  }
}
