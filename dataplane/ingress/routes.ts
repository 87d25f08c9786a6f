// Host and path matching of the Ingress API (pure): compiles rules to a table, which is replaced as one object; one look-up per
// request. Source: networking.k8s.io/v1 IngressSpec (host wildcards, pathType) and its conformance features.

import { canonicalRulePath } from './path';

export type PathType = 'Exact' | 'Prefix' | 'ImplementationSpecific';

/** The name of one Service port's endpoints; endpoints change without a new table. */
export type BackendId = string;

/** One path of one Ingress. `host` is '' for every host, or starts with `*.`. */
export interface RouteRule {
  readonly ingress: string;
  /** Of two rules with the same host, type and path, the Ingress created first wins, then the smaller name. */
  readonly createdMs: number;
  readonly host: string;
  readonly path: string;
  readonly pathType: PathType;
  readonly backend: BackendId;
}

/** An Ingress' spec.defaultBackend. */
export interface DefaultRule {
  readonly ingress: string;
  readonly createdMs: number;
  readonly backend: BackendId;
}

export interface Route {
  readonly ingress: string;
  readonly backend: BackendId;
  /** The matched rule, for logs and traces: host, path and type as written in the Ingress. */
  readonly host: string;
  readonly path: string;
  readonly pathType: PathType | 'Default';
}

/** A rule that another Ingress already has. */
export interface RouteConflict {
  readonly rule: RouteRule;
  readonly winner: string;
}

interface PathTable {
  readonly exact: Map<string, Route>;
  /** Key: the prefix without a trailing slash, '' for `/`. */
  readonly prefix: Map<string, Route>;
}

export interface RouteTable {
  readonly hosts: ReadonlyMap<string, PathTable>;
  /** Key: the part after the `*`, with its dot: `.foo.com`. */
  readonly wildcards: ReadonlyMap<string, PathTable>;
  readonly anyHost: PathTable;
  readonly fallback: Route | undefined;
  readonly conflicts: readonly RouteConflict[];
}

const emptyPaths = (): PathTable => ({ exact: new Map(), prefix: new Map() });
const byAge = (a: { createdMs: number; ingress: string }, b: { createdMs: number; ingress: string }) =>
  a.createdMs - b.createdMs || (a.ingress < b.ingress ? -1 : 1);

/** Equal input in any order gives an equal table. */
export function compileRoutes(rules: readonly RouteRule[], defaults: readonly DefaultRule[]): RouteTable {
  const hosts = new Map<string, PathTable>();
  const wildcards = new Map<string, PathTable>();
  const anyHost = emptyPaths();
  const conflicts: RouteConflict[] = [];
  for (const rule of [...rules].sort(byAge)) {
    const paths = pathsOf(rule.host.toLowerCase(), hosts, wildcards, anyHost);
    const map = rule.pathType === 'Exact' ? paths.exact : paths.prefix;
    const spelling = canonicalRulePath(rule.path);
    const key = rule.pathType === 'Exact' ? spelling : trimSlash(spelling);
    const winner = map.get(key);
    if (winner) {
      if (winner.ingress !== rule.ingress) conflicts.push({ rule, winner: winner.ingress });
      continue;
    }
    const { ingress, backend, host, path, pathType } = rule;
    map.set(key, { ingress, backend, host, path, pathType });
  }
  const first = [...defaults].sort(byAge)[0];
  const fallback: Route | undefined = first && {
    ingress: first.ingress,
    backend: first.backend,
    host: '',
    path: '/',
    pathType: 'Default',
  };
  return { hosts, wildcards, anyHost, fallback, conflicts };
}

function pathsOf(
  host: string,
  hosts: Map<string, PathTable>,
  wildcards: Map<string, PathTable>,
  anyHost: PathTable,
): PathTable {
  if (host === '') return anyHost;
  const [map, key] = host.startsWith('*.') ? [wildcards, host.slice(1)] : [hosts, host];
  let paths = map.get(key);
  if (!paths) {
    paths = emptyPaths();
    map.set(key, paths);
  }
  return paths;
}

const trimSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);

/**
 * `host` comes from parseHost, `path` from parsePath. The order: the exact host, the wildcard that covers exactly one label,
 * rules for every host, the default backend.
 */
export function matchRoute(table: RouteTable, host: string, path: string): Route | undefined {
  const exact = table.hosts.get(host);
  const found = exact && matchPath(exact, path);
  if (found) return found;
  if (table.wildcards.size > 0) {
    const dot = host.indexOf('.');
    const wildcard = dot > 0 ? table.wildcards.get(host.slice(dot)) : undefined;
    const route = wildcard && matchPath(wildcard, path);
    if (route) return route;
  }
  return matchPath(table.anyHost, path) ?? table.fallback;
}

/**
 * An exact path is as long as the request's, so it wins over every prefix. Prefixes are tried from the longest to the shortest.
 */
function matchPath({ exact, prefix }: PathTable, path: string): Route | undefined {
  const hit = exact.get(path);
  if (hit || prefix.size === 0) return hit;
  let end = path.endsWith('/') ? path.length - 1 : path.length;
  for (;;) {
    const route = prefix.get(path.slice(0, end));
    if (route || end === 0) return route;
    end = Math.max(0, path.lastIndexOf('/', end - 1));
  }
}

/** A Host header or :authority as a routing key; undefined when it is malformed. */
export function parseHost(header: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)(?::\d{0,5})?$/.exec(header);
  if (!match) return undefined;
  const host = match[1]!.toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
