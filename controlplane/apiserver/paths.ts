// The paths that are not resources: health, version, metrics, discovery, OpenAPI, the issuer's public keys.
import { createHash } from 'node:crypto';
import type { Catalog } from '../api/catalog';
import { isCustom } from '../api/kind';
import type { SchemaSet } from '../api/schema/schema-set';
import { eventLoop } from '../base/event-loop';
import { versionInfo } from '../base/version';
import { type IssuerFacts, isDiscoverable, issuerReply, keysReply } from './authn/issuer-documents';
import {
  aggregatedContentType,
  aggregatedDiscovery,
  apiGroup,
  apiGroups,
  apiResources,
  coreVersions,
} from './discovery/discovery';
import { aggregatedSchema, encodeAggregated } from './discovery/protobuf';
import type { RemoteVersion } from './discovery/resources';
import { endpointsOf, type HealthCheck, healthReply } from './health';
import { protobufType } from './protobuf/envelope';
import { type ApiRequest, header, jsonReply, jsonType, type Reply, textReply } from './request';
import type { AnswerForms } from './rest/answer-forms';
import { negotiate } from './rest/negotiate';
import { asAsked } from './rest/pretty';
import type { PathHandler, PathTable } from './servers/path-server';
import { noRepresentation } from './status';

export interface PathDeps {
  readonly catalog: Catalog;
  /** The group versions of aggregated API servers. */
  readonly remotes: () => readonly RemoteVersion[];
  readonly schemas: SchemaSet;
  /** host:port at which clients inside the cluster reach this server. */
  readonly serverAddress: string;
  readonly checks: readonly HealthCheck[];
  readonly tokenIssuer: () => IssuerFacts;
  /** Paths below /openapi. */
  readonly openapi: PathHandler;
  /** Discovery is answered in all encodings. */
  readonly forms: AnswerForms;
  /** The lines of /metrics. */
  readonly metrics: () => readonly string[];
  /** The lines of /metrics/slis. */
  readonly slis: () => readonly string[];
}

/** The plain paths of this server. To add a path, add a line here. */
export function plainPaths(deps: PathDeps): PathTable {
  const health: PathHandler = (request, path) => healthReply(request, path, deps.checks);
  const discovery: PathHandler = (request, path) => {
    const reply = discover(deps, request, path);
    // The aggregated form has a type of its own.
    if (reply?.type !== jsonType) return reply;
    const { encoding } = negotiate(
      header(request.headers, 'accept'),
      isRouted(deps.catalog, path) ? 'answers' : 'documents',
    );
    return encoding === 'json' ? asAsked(request, reply) : deps.forms.encode(reply, encoding);
  };
  return {
    '/': () => indentedReply({ paths: rootPaths(deps) }),
    '/healthz/': health,
    '/livez/': health,
    '/readyz/': health,
    '/version': (request) => {
      requireJson(request);
      return indentedReply(versionInfo);
    },
    '/metrics': () => metricsReply(`${deps.metrics().join('\n')}\n${eventLoop.turns.render()}`),
    '/metrics/slis': () => metricsReply(`${deps.slis().join('\n')}\n`),
    '/api/': discovery,
    '/apis/': discovery,
    '/openapi/': deps.openapi,
    '/openid/v1/jwks': issuerPath(deps, keysReply),
    '/.well-known/openid-configuration': issuerPath(deps, issuerReply),
  };
}

/** Upstream's router has /api and the group versions of built-in kinds, not /apis, the groups and custom kinds. */
function isRouted(catalog: Catalog, path: string): boolean {
  if (path === '/api' || path.startsWith('/api/')) return true;
  const [, , group, version] = path.split('/');
  return catalog.kinds().some((kind) => kind.group === group && kind.version === version && !isCustom(kind));
}

/** Upstream always indents these. */
const indentedReply = (value: unknown): Reply => ({
  status: 200,
  type: jsonType,
  body: Buffer.from(JSON.stringify(value, undefined, 2)),
});

const issuerPath =
  ({ tokenIssuer }: PathDeps, render: (facts: IssuerFacts) => Reply): PathHandler =>
  () => {
    const facts = tokenIssuer();
    return isDiscoverable(facts.issuer) ? render(facts) : undefined;
  };

const metricsReply = (text: string): Reply => ({
  ...textReply(text),
  type: 'text/plain; version=0.0.4; charset=utf-8',
});

/** Upstream's router knows one form of the version. @throws StatusError 406 */
function requireJson(request: ApiRequest): void {
  const accept = header(request.headers, 'accept');
  const types = accept.split(',').map((range) => range.split(';', 1)[0]!.trim());
  if (accept === '' || types.includes(jsonType) || types.includes('*/*')) return;
  throw noRepresentation([jsonType]);
}

const fixedPaths = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  '/healthz',
  '/livez',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

/** All paths that are no resources, sorted: those of the groups and of single checks, too. */
function rootPaths({ catalog, remotes, checks }: PathDeps): readonly string[] {
  const groups = apiGroups(catalog.kinds(), remotes()).groups.flatMap(({ name, versions }) => [
    `/apis/${name}`,
    ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
  ]);
  const single = checks.flatMap((check) => endpointsOf(check).map((endpoint) => `/${endpoint}/${check.name}`));
  return [...fixedPaths, ...groups, ...single].sort();
}

function discover(deps: PathDeps, request: ApiRequest, path: string): Reply | undefined {
  const parts = path.split('/').slice(2);
  const kinds = deps.catalog.kinds();
  if (path === '/api' || path === '/apis') {
    const type = aggregatedType(header(request.headers, 'accept'));
    const root = path === '/api' ? 'api' : 'apis';
    if (type) return aggregatedReply(deps, request, root, type);
    return jsonReply(root === 'api' ? coreVersions(deps.serverAddress) : apiGroups(kinds, deps.remotes()));
  }
  const found =
    path.startsWith('/api/') && parts.length === 1
      ? apiResources(kinds, '', parts[0]!)
      : parts.length === 1
        ? apiGroup(kinds, parts[0]!, deps.remotes())
        : parts.length === 2
          ? apiResources(kinds, parts[0]!, parts[1]!)
          : undefined;
  return found && jsonReply(found);
}

/** With an entity tag, as upstream: clients that keep the document ask whether it has changed. */
function aggregatedReply(
  { catalog, schemas, remotes }: PathDeps,
  request: ApiRequest,
  root: 'api' | 'apis',
  type: string,
): Reply {
  const document = aggregatedDiscovery(catalog.kinds(), root, remotes());
  const json = jsonReply(document);
  const etag = `"${createHash('sha512').update(json.body).digest('hex').toUpperCase()}"`;
  const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
  const head = { type: aggregatedContentType(type), headers };
  if (header(request.headers, 'if-none-match') === etag) return { status: 304, ...head, body: Buffer.alloc(0) };
  const body = type === jsonType ? json.body : encodeAggregated(document, aggregatedSchema(schemas));
  return { status: 200, ...head, body };
}

/** The media type of the first aggregated form in the Accept header that is served; undefined when a plain form comes first. */
function aggregatedType(accept: string): string | undefined {
  for (const range of accept.split(',')) {
    const [type = ''] = range.trim().split(';', 1);
    const isServed = type === jsonType || type === protobufType;
    if (range.includes('as=APIGroupDiscoveryList')) {
      if (isServed && /v=v2(?:;|\s|$)/.test(range)) return type;
    } else if (isServed && range.trim() === type) return undefined;
  }
  return undefined;
}
