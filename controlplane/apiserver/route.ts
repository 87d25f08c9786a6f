// From method and path to what is asked for: verb, kind, namespace, name, subresource. Pure.
import type { Kind } from '../api/kind';
import { BadRequest } from '../base/errors';
import { methodNotAllowed, pathNotFound } from './status';

export type ResourceVerb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface ResourceRoute {
  readonly verb: ResourceVerb;
  readonly kind: Kind;
  /** '' for cluster-scoped kinds and for requests over all namespaces. */
  readonly namespace: string;
  /** '' for collections. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** What follows the subresource in the path, for proxies: '' or `/a/b`. */
  readonly rest: string;
}

/** Kinds found by path: one map look-up per request. */
export class RouteTable {
  private readonly kinds = new Map<string, Kind>();
  private readonly groups = new Set<string>();

  constructor(registry: readonly Kind[]) {
    for (const kind of registry) {
      this.kinds.set(`${kind.group}/${kind.version}/${kind.plural}`, kind);
      this.groups.add(`${kind.group}/${kind.version}`);
    }
  }

  /**
   * Undefined when the path names no resource (discovery, health and the like) or, for GET, one of a group without kinds.
   * @throws StatusError 404 for an unknown resource, 405 for a method the path does not have
   */
  match(method: string, path: string, watch: boolean): ResourceRoute | undefined {
    const parts = path.split('/');
    // '/api/v1/x' splits into '', 'api', 'v1', 'x'.
    const core = parts[1] === 'api';
    if (!core && parts[1] !== 'apis') return undefined;
    const group = core ? '' : (parts[2] ?? '');
    const version = (core ? parts[2] : parts[3]) ?? '';
    let at = core ? 3 : 4;
    if (parts[parts.length - 1] === '') parts.pop();
    if (parts.length <= at) return undefined;
    let watching = watch;
    if (parts[at] === 'watch') {
      watching = true;
      at++;
    }
    let namespace = '';
    // namespaces/NAME/RESOURCE is a resource inside the namespace, unless RESOURCE is a subresource of Namespace.
    if (parts[at] === 'namespaces' && parts.length > at + 2 && !(core && isNamespaceSubresource(parts[at + 2]!))) {
      namespace = decode(parts[at + 1]!);
      at += 2;
    }
    const kind = this.kinds.get(`${group}/${version}/${parts[at]}`);
    if (!kind && method === 'GET' && !this.groups.has(`${group}/${version}`)) return undefined;
    if (!kind || (namespace !== '' && !kind.namespaced)) throw pathNotFound();
    const name = decode(parts[at + 1] ?? '');
    const subresource = parts[at + 2] ?? '';
    const rest = parts.length > at + 3 ? `/${parts.slice(at + 3).join('/')}` : '';
    if (kind.namespaced && namespace === '' && name !== '') throw pathNotFound();
    if (!kind.namespaced && kind.plural === 'namespaces' && core) namespace = name;
    return { verb: verbOf(method, name, watching), kind, namespace, name, subresource, rest };
  }

  /** True when this group and version hold any kind. */
  hasGroupVersion(group: string, version: string): boolean {
    return this.groups.has(`${group}/${version}`);
  }
}

const isNamespaceSubresource = (part: string): boolean => part === 'status' || part === 'finalize';

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(part)}`, { cause });
  }
}

function verbOf(method: string, name: string, watch: boolean): ResourceVerb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (watch) return 'watch';
      return name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed();
  }
}
