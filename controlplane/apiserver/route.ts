// Parses method and path to verb, kind, namespace, name and subresource. The declarations of the kinds define the verbs of a path;
// any other method is refused here, before any read or write. Pure.
import type { Catalog } from '../api/catalog';
import { isBuiltInGroup } from '../api/group-priority';
import { isCustom, type Kind, subresourceOf, subresourcesOf, type Verb } from '../api/kind';
import { type AppError, BadRequest } from '../base/errors';
import { methodNotAllowed, methodNotSupported, notFound, pathNotFound, resourceNotFound } from './status';

export interface ResourceRoute {
  readonly verb: Verb;
  readonly kind: Kind;
  /** '' for cluster-scoped kinds and for requests over all namespaces. */
  readonly namespace: string;
  /** '' for collections. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** The path after the subresource, as sent, for proxies: '' or `/a/b`. */
  readonly rest: string;
}

/** A path below a served group version that has no such resource, or not for this method. Authorization comes before this error. */
export interface RefusedRoute {
  readonly refusal: AppError;
}

type Place = Omit<ResourceRoute, 'verb'> & {
  /** The path begins with the prefix `watch`, the older form of the query parameter. */
  readonly watchPrefix: boolean;
  /** The path has a place for a namespace, and it is empty: namespaces//pods. */
  readonly emptyNamespace: boolean;
};

/** Kinds found by path: one look-up in the catalog per request, so that a kind is served as soon as the catalog has it. */
export class RouteTable {
  /** Subresources of Namespace: after namespaces/NAME, any other word is a resource inside the namespace. */
  private readonly ofNamespace: ReadonlySet<string>;

  constructor(private readonly catalog: Catalog) {
    const namespaces = catalog.byPath('', 'v1', 'namespaces');
    this.ofNamespace = new Set(namespaces ? subresourcesOf(namespaces).map(({ name }) => name) : []);
  }

  /**
   * Undefined when the path names no resource (discovery, health and the like), or one of a group version without kinds.
   * @throws BadRequest for a name that no object can have
   */
  match(method: string, path: string, watch: boolean): ResourceRoute | RefusedRoute | undefined {
    const place = this.place(path);
    if (!place || 'refusal' in place) return place;
    const { kind, namespace, name, subresource, rest } = place;
    if (place.emptyNamespace && needsNamespace(method, place)) return { refusal: namespaceRequired(kind) };
    const served = verbsAt(place);
    if (served.length === 0) return { refusal: nothingAt(place) };
    const verb = verbOf(method, place, watch);
    if (!verb || !served.includes(verb)) return { refusal: notAllowed(method, place, watch) };
    checkSegment('Namespace', namespace);
    checkSegment('Name', name);
    return { verb, kind, namespace, name, subresource, rest };
  }

  private place(path: string): Place | RefusedRoute | undefined {
    const parts = path.split('/');
    // '/api/v1/x' splits into '', 'api', 'v1', 'x'.
    const core = parts[1] === 'api';
    if (parts[0] !== '' || (!core && parts[1] !== 'apis')) return undefined;
    const group = core ? '' : (parts[2] ?? '');
    const version = (core ? parts[2] : parts[3]) ?? '';
    let at = core ? 3 : 4;
    if (parts[parts.length - 1] === '') parts.pop();
    if (parts.length <= at) return undefined;
    const watchPrefix = parts[at] === 'watch';
    if (watchPrefix) at++;
    let namespace = '';
    let emptyNamespace = false;
    if (parts[at] === 'namespaces' && parts.length > at + 2 && !(core && this.ofNamespace.has(parts[at + 2]!))) {
      namespace = decode(parts[at + 1]!);
      emptyNamespace = namespace === '';
      at += 2;
    }
    const kind = this.catalog.byPath(group, version, parts[at] ?? '');
    if (!kind && !this.catalog.serves(group, version)) return undefined;
    const known = kind !== undefined && ((namespace === '' && !emptyNamespace) || kind.namespaced);
    // Any other empty segment is an error: pods//status must not become the collection.
    const isEmpty = (part: string, i: number) => part === '' && i > 0 && !(emptyNamespace && i === at - 1);
    if (!known || parts.slice(0, at + 3).some(isEmpty)) return { refusal: nothingServed(group) };
    const name = decode(parts[at + 1] ?? '');
    const subresource = decode(parts[at + 2] ?? '');
    const rest = parts.length > at + 3 ? `/${parts.slice(at + 3).join('/')}` : '';
    if (!kind.namespaced && kind.plural === 'namespaces' && core) namespace = name;
    return { kind, namespace, name, subresource, rest, watchPrefix, emptyNamespace };
  }
}

/** As upstream: all that can be done without a namespace is to read the objects of all of them. */
const needsNamespace = (method: string, { name }: Place): boolean =>
  name !== '' || method === 'POST' || method === 'DELETE';
const namespaceRequired = (kind: Kind): AppError =>
  isCustom(kind) ? nothingServed(kind.group) : new BadRequest('Namespace parameter required.');

/** The answer for an unknown path: upstream's router serves the built-in groups, and another one the custom kinds. */
export const nothingServed = (group: string): AppError => (isBuiltInGroup(group) ? resourceNotFound() : pathNotFound());

/** The resource exists, but not at this place. */
function nothingAt({ kind, name, namespace, subresource, watchPrefix }: Place): AppError {
  const isObject = subresource !== '' && !watchPrefix && (namespace !== '' || !kind.namespaced);
  return isCustom(kind) && isObject ? notFound(kind, name) : nothingServed(kind.group);
}

function notAllowed(method: string, place: Place, watch: boolean): AppError {
  if (!isCustom(place.kind)) return methodNotAllowed();
  const named = method === 'PUT' || method === 'PATCH';
  if (named && place.name === '') return new BadRequest('name must be provided');
  return methodNotSupported(verbOf(method, place, watch) ?? '', place.kind);
}

const ofObjects: readonly Verb[] = ['get', 'update', 'patch', 'delete'];
const ofCollections: readonly Verb[] = ['list', 'watch', 'create', 'deletecollection'];
const ofAllNamespaces: readonly Verb[] = ['list', 'watch'];
const ofWatchPrefix: readonly Verb[] = ['watch'];

/** The verbs of a place; none when it does not exist. */
function verbsAt({ kind, namespace, name, subresource, rest, watchPrefix }: Place): readonly Verb[] {
  if (kind.namespaced && namespace === '' && name !== '') return [];
  if (subresource !== '') {
    const found = subresourceOf(kind, subresource);
    return !found || watchPrefix || (rest !== '' && !found.takesPath) ? [] : found.verbs;
  }
  const everywhere = kind.namespaced && namespace === '';
  const offered = watchPrefix ? ofWatchPrefix : name !== '' ? ofObjects : everywhere ? ofAllNamespaces : ofCollections;
  return offered.filter((verb) => kind.verbs.includes(verb));
}

/**
 * Undefined for a method that no resource has: HEAD and OPTIONS are for proxies only, and HEAD reads custom objects, as upstream.
 */
function verbOf(method: string, place: Place, watch: boolean): Verb | undefined {
  const { kind, name, subresource, watchPrefix } = place;
  switch (method) {
    case 'HEAD':
    case 'OPTIONS':
      if (subresource !== '' && subresourceOf(kind, subresource)?.furtherMethods?.includes(method)) return 'get';
      return method === 'HEAD' && isCustom(kind) ? verbOf('GET', place, watch) : undefined;
    case 'GET':
      if (watchPrefix) return 'watch';
      // The query parameter turns a list into a watch; the GET of a named object ignores it.
      return name !== '' ? 'get' : watch ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' && subresource === '' ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(part)}`, { cause });
  }
}

/** Refuses names that would mean another path. @throws BadRequest */
function checkSegment(what: string, segment: string): void {
  const problem =
    segment === '.' || segment === '..'
      ? `may not be '${segment}'`
      : segment.includes('/')
        ? "may not contain '/'"
        : segment.includes('%')
          ? "may not contain '%'"
          : undefined;
  if (problem) throw new BadRequest(`${what} parameter invalid: ${JSON.stringify(segment)}: ${problem}`);
}
