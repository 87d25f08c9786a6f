// What authorization is asked about a request for a resource. Pure.
import { parseFieldSelector } from '../../api/field-selector';
import { hasCode } from '../../base/errors';
import type { ResourceAttributes } from '../authz/authorizer';
import type { RestRequest } from '../rest/context';

export function attributesOf({ route, query }: RestRequest): ResourceAttributes {
  const { verb, kind, subresource, namespace, name } = route;
  const base = { verb, group: kind.group, resource: kind.plural, subresource, namespace, name };
  const fields = name === '' && (verb === 'list' || verb === 'watch') ? query.get('fieldSelector') : null;
  if (!fields) return base;
  const pinned = pinnedFields(fields);
  const selectedName = pinned.get('metadata.name');
  const selectedNode = pinned.get('spec.nodeName');
  return { ...base, ...(selectedName ? { selectedName } : {}), ...(selectedNode ? { selectedNode } : {}) };
}

/** The fields that a selector demands one value of, by the parser that selects: both must read the text alike. */
function pinnedFields(text: string): ReadonlyMap<string, string> {
  try {
    const demanded = parseFieldSelector(text).filter(({ equal }) => equal);
    // Terms add up, so the first for a field bounds what is selected as much as any other.
    return new Map(demanded.reverse().map(({ path, value }) => [path, value]));
  } catch (err) {
    // The request is about the whole collection until the selection refuses it.
    if (hasCode(err, 'BadRequest')) return new Map();
    throw err;
  }
}
