// The paths that are not resources: health, version, metrics, discovery, OpenAPI, the issuer's public keys.
import { createHash } from 'node:crypto';
import type { Catalog } from '../api/catalog';
import type { SchemaSet } from '../api/schema/schema-set';
import { eventLoop } from '../base/event-loop';
import { type IssuerFacts, isDiscoverable, issuerReply, keysReply } from './authn/issuer-documents';
import type { AggregatedVersion } from './discovery/aggregated';
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
import { type HealthCheck, healthReply } from './health';
import { protobufType } from './protobuf/envelope';
import { type ApiRequest, header, jsonReply, jsonType, type Reply, textReply } from './request';
import type { AnswerForms } from './rest/answer-forms';
import { negotiate } from './rest/negotiate';
import type { PathHandler, PathTable } from './servers/path-server';
import { versionInfo } from './version';

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
}

/** The plain paths of this server. To add a path, add a line here. */
export function plainPaths(deps: PathDeps): PathTable {
  const health: PathHandler = (request, path) => healthReply(request, path, deps.checks);
  const discovery: PathHandler = (request, path) => {
    const reply = discover(deps, request, path);
    // The aggregated form has a type of its own.
    if (reply?.type !== jsonType) return reply;
    return deps.forms.encode(reply, negotiate(header(request.headers, 'accept'), 'answers').encoding);
  };
  return {
    '/': () => jsonReply({ paths: rootPaths }),
    '/healthz/': health,
    '/livez/': health,
    '/readyz/': health,
    '/version': () => jsonReply(versionInfo),
    '/metrics': () => ({
      ...textReply(`${deps.metrics().join('\n')}\n${eventLoop.turns.render()}`),
      type: 'text/plain; version=0.0.4; charset=utf-8',
    }),
    '/api/': discovery,
    '/apis/': discovery,
    '/openapi/': deps.openapi,
    '/openid/v1/jwks': issuerPath(deps, keysReply),
    '/.well-known/openid-configuration': issuerPath(deps, issuerReply),
  };
}

const issuerPath =
  ({ tokenIssuer }: PathDeps, render: (facts: IssuerFacts) => Reply): PathHandler =>
  () => {
    const facts = tokenIssuer();
    return isDiscoverable(facts.issuer) ? render(facts) : undefined;
  };

const rootPaths = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

function discover(deps: PathDeps, request: ApiRequest, path: string): Reply | undefined {
  const parts = path.split('/').slice(2);
  const kinds = deps.catalog.kinds();
  if (path === '/api' || path === '/apis') {
    const form = aggregatedForm(header(request.headers, 'accept'));
    const root = path === '/api' ? 'api' : 'apis';
    if (form) return aggregatedReply(deps, request, root, form);
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

interface AggregatedForm {
  readonly version: AggregatedVersion;
  readonly type: string;
}

/** With an entity tag, as upstream: clients that keep the document ask whether it has changed. */
function aggregatedReply(
  { catalog, schemas, remotes }: PathDeps,
  request: ApiRequest,
  root: 'api' | 'apis',
  { version, type }: AggregatedForm,
): Reply {
  const document = aggregatedDiscovery(catalog.kinds(), root, version, remotes());
  const json = jsonReply(document);
  const etag = `"${createHash('sha512').update(json.body).digest('hex').toUpperCase()}"`;
  const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
  const head = { type: aggregatedContentType(type, version), headers };
  if (header(request.headers, 'if-none-match') === etag) return { status: 304, ...head, body: Buffer.alloc(0) };
  const body = type === jsonType ? json.body : encodeAggregated(document, aggregatedSchema(schemas));
  return { status: 200, ...head, body };
}

/** The first aggregated form in the Accept header that is served; undefined when a plain form comes first. */
function aggregatedForm(accept: string): AggregatedForm | undefined {
  for (const range of accept.split(',')) {
    const [type = ''] = range.trim().split(';', 1);
    const isServed = type === jsonType || type === protobufType;
    if (!range.includes('as=APIGroupDiscoveryList')) {
      if (isServed && range.trim() === type) return undefined;
      continue;
    }
    const version = /v=(v2beta1|v2)(?:;|\s|$)/.exec(range)?.[1];
    if (isServed && (version === 'v2' || version === 'v2beta1')) return { version, type };
  }
  return undefined;
}
