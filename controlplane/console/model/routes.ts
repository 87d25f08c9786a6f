// The address of a view, in the fragment of the page's URL. A list or an object has the path that it has in the API, so a person who
// knows one knows the other: #/api/v1/namespaces/default/pods/web?tab=logs. Pure.

/** Names a resource of the API; the group is '' for the core group. */
export interface ResourceRef {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export interface ListRoute {
  readonly view: 'list';
  readonly resource: ResourceRef;
  /** '' for all namespaces, and for kinds without namespaces. */
  readonly namespace: string;
  /** '' for all objects. */
  readonly labelSelector: string;
}
export interface ObjectRoute {
  readonly view: 'object';
  readonly resource: ResourceRef;
  readonly namespace: string;
  readonly name: string;
  /** A tab that the object does not have counts as the first one. */
  readonly tab: string;
}
/** A view of the cluster rather than of objects: its state is in the query. */
export interface ToolRoute {
  readonly view: Tool;
  /** '' for all namespaces. */
  readonly namespace: string;
  readonly query: Readonly<Record<string, string>>;
}
/** Those of the navigation. */
export const tools = ['topology', 'path'] as const;
const allTools = [...tools, 'create'] as const;
export type Tool = (typeof allTools)[number];
/** An address that names no view. */
export interface UnknownRoute {
  readonly view: 'unknown';
  readonly namespace: '';
  /** With its `#`. */
  readonly hash: string;
}
export type KnownRoute = ListRoute | ObjectRoute | ToolRoute;
export type Route = KnownRoute | UnknownRoute;

export const podsRef: ResourceRef = { group: '', version: 'v1', plural: 'pods' };
export const home: KnownRoute = { view: 'list', resource: podsRef, namespace: '', labelSelector: '' };
export const firstTab = 'summary';

/** The fragment in which `k8ts console` sends the code of a login; api/console.ts has it too. */
export const loginFragment = '#login=';

/** /api/v1 or /apis/GROUP/VERSION */
export const groupPath = ({ group, version }: Omit<ResourceRef, 'plural'>): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

/** The path of a collection in the API. */
export function collectionPath(resource: ResourceRef, namespace: string): string {
  const within = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(resource)}${within}/${resource.plural}`;
}

/** The path of an object in the API. */
export const objectPath = (resource: ResourceRef, namespace: string, name: string): string =>
  `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;

/** The fragment of a view, with its `#`. */
export function hashOf(route: Route): string {
  if (route.view === 'unknown') return route.hash;
  if (!('resource' in route)) return hashOfTool(route);
  const { resource, namespace } = route;
  if (route.view === 'list') {
    const { labelSelector } = route;
    const query = labelSelector === '' ? '' : `?${new URLSearchParams({ labelSelector })}`;
    return `#${collectionPath(resource, namespace)}${query}`;
  }
  const query = route.tab === firstTab ? '' : `?${new URLSearchParams({ tab: route.tab })}`;
  return `#${objectPath(resource, namespace, route.name)}${query}`;
}

function hashOfTool({ view, namespace, query }: ToolRoute): string {
  const all = new URLSearchParams({ ...(namespace === '' ? {} : { namespace }), ...query });
  return all.size === 0 ? `#/${view}` : `#/${view}?${all}`;
}

/** What is shown at a fragment: without one the home view. A link of a login is read before, and leaves the address. */
export const routeOf = (hash: string): Route =>
  /^#?\/?$/.test(hash) || hash.startsWith(loginFragment)
    ? home
    : (parseHash(hash) ?? { view: 'unknown', namespace: '', hash });

/** Whether both show the same object, in any tab. */
export const isSameObject = (a: ObjectRoute, b: Route): boolean =>
  b.view === 'object' && hashOf({ ...a, tab: firstTab }) === hashOf({ ...b, tab: firstTab });

/** The view of a fragment; undefined for one that names none. */
export function parseHash(hash: string): KnownRoute | undefined {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const parts = decodeParts(path);
  if (parts?.[0] !== '') return undefined;
  const [, root, ...rest] = parts;
  const tool = allTools.find((one) => one === root);
  if (tool !== undefined && rest.length === 0) return toolOf(tool, search);
  if (root === 'api') return within({ group: '', version: rest[0] ?? '' }, rest.slice(1), search);
  if (root === 'apis') return within({ group: rest[0] ?? '', version: rest[1] ?? '' }, rest.slice(2), search);
  return undefined;
}

function toolOf(view: Tool, search: string): ToolRoute {
  const { namespace = '', ...query } = Object.fromEntries(new URLSearchParams(search));
  return { view, namespace, query };
}

function within(
  version: Omit<ResourceRef, 'plural'>,
  parts: readonly string[],
  search: string,
): ListRoute | ObjectRoute | undefined {
  const query = new URLSearchParams(search);
  if (version.version === '' || parts.includes('') || parts.length < 1 || parts.length > 4) return undefined;
  // namespaces/NAME is the object, namespaces/NAME/PLURAL a list in it.
  const isInside = parts[0] === 'namespaces' && parts.length > 2;
  if (!isInside && parts.length > 2) return undefined;
  const [plural = '', name] = isInside ? parts.slice(2) : parts;
  const namespace = isInside ? parts[1]! : '';
  const resource = { ...version, plural };
  if (name === undefined) return { view: 'list', resource, namespace, labelSelector: query.get('labelSelector') ?? '' };
  return { view: 'object', resource, namespace, name, tab: query.get('tab') ?? firstTab };
}

function decodeParts(path: string): readonly string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

export const sameResource = (a: ResourceRef, b: ResourceRef): boolean => a.group === b.group && a.plural === b.plural;
