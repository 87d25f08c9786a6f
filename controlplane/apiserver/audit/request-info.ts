// What a request is about, from its method and path alone: also for paths that no server has, so that every attempt can be recorded.
// The rules are those of upstream's RequestInfo. Pure.
import { queryFlag } from '../request';

export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}
export interface RequestInfo {
  /** Of a resource: get, list, watch, create; else the method in lower case. */
  readonly verb: string;
  readonly path: string;
  /** Absent for a plain path such as /version. */
  readonly resource?: ResourceInfo;
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
/** The subresources of a namespace; other words after its name are resources in it. */
const ofNamespace: ReadonlySet<string> = new Set(['status', 'finalize']);
const longSubresources: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const plain = { verb: method.toLowerCase(), path };
  const [root, ...parts] = path.split('/').filter((part) => part !== '');
  if (root !== 'api' && root !== 'apis') return plain;
  const group = root === 'api' ? '' : parts.shift();
  const version = parts.shift();
  if (group === undefined || version === undefined || parts.length === 0) return plain;
  let verb = verbs[method] ?? '';
  if (parts[0] === 'watch' && parts.length > 1) {
    parts.shift();
    verb = 'watch';
  }
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = decoded(parts[1]!);
    if (parts.length > 2 && !ofNamespace.has(parts[2]!)) parts.splice(0, 2);
  }
  const [resource = '', name = '', subresource = ''] = parts;
  if (name === '' && verb === 'get') verb = queryFlag(query, 'watch') ? 'watch' : 'list';
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  return { verb, path, resource: { group, version, namespace, resource, subresource, name: decoded(name) } };
}

/** Whether the answer is a stream: its beginning is a stage of its own. */
export const isLongRunning = ({ verb, resource }: RequestInfo): boolean =>
  resource !== undefined && (verb === 'watch' || longSubresources.has(resource.subresource));

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
