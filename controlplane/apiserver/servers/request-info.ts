// The attributes of a request whose resource this server does not know, from its path alone, as upstream reads every request. Pure.
import type { KindRef } from '../../api/kind';
import { BadRequest } from '../../base/errors';
import type { ResourceAttributes } from '../authz/authorizer';

export interface RemotePath {
  readonly group: string;
  readonly version: string;
  /** The path as it is authorized and sent: each segment is encoded in one way. */
  readonly path: string;
  /** Undefined for the group version itself, which is no resource. */
  readonly attributes: ResourceAttributes | undefined;
}

/** The group and version of a path, as sent; undefined for paths outside /api and /apis. */
export function groupVersionOf(path: string): { readonly group: string; readonly version: string } | undefined {
  const parts = path.split('/', 5);
  if (parts[1] === 'api') return parts[2] ? { group: '', version: parts[2] } : undefined;
  return parts[1] === 'apis' && parts[2] && parts[3] ? { group: parts[2], version: parts[3] } : undefined;
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
/** After namespaces/NAME these words are subresources of the namespace, and any other word is a resource inside it. */
const ofNamespace: ReadonlySet<string> = new Set(['status', 'finalize']);

/** @throws BadRequest for a segment that would mean another path */
export function readRemotePath(method: string, raw: string, watch: boolean): RemotePath | undefined {
  const found = groupVersionOf(raw);
  if (!found) return undefined;
  const segments = raw.split('/').slice(1).map(decodeSegment);
  const path = `/${segments.map(encodeURIComponent).join('/')}`;
  const inside = trimmed(segments.slice(found.group === '' ? 2 : 3));
  if (inside.length === 0) return { ...found, path, attributes: undefined };
  return { ...found, path, attributes: attributesOf(found.group, method, inside, watch) };
}

/** Without empty segments at the ends; those in between have a meaning: namespaces//pods is a path without a namespace. */
function trimmed(segments: readonly string[]): string[] {
  const first = segments.findIndex((segment) => segment !== '');
  return first < 0 ? [] : segments.slice(first, segments.findLastIndex((segment) => segment !== '') + 1);
}

/** The resource of attributes, for messages. */
export const kindOf = ({ group, resource, namespace }: ResourceAttributes, version = ''): KindRef => ({
  group,
  version,
  kind: '',
  plural: resource,
  namespaced: namespace !== '',
});

function attributesOf(group: string, method: string, parts: string[], watch: boolean): ResourceAttributes {
  let verb = verbs[method] ?? '';
  const special = parts.length > 1 && (parts[0] === 'watch' || parts[0] === 'proxy');
  if (special) verb = parts.shift()!;
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!;
    if (parts.length > 2 && !ofNamespace.has(parts[2]!)) parts.splice(0, 2);
  }
  const [resource = '', name = '', subresource = ''] = parts;
  if (name === '' && verb === 'get') verb = watch ? 'watch' : 'list';
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  return { verb, group, resource, subresource, namespace, name };
}

function decodeSegment(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch (cause) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(segment)}`, { cause });
  }
  if (text === '.' || text === '..' || text.includes('/')) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(segment)}`);
  }
  return text;
}
