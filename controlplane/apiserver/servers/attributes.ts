// The attributes of a resource request for authorization. Pure.
import { parseFieldSelector } from '../../api/field-selector';
import { hasCode } from '../../base/errors';
import type { ResourceAttributes } from '../authz/authorizer';
import type { RestRequest } from '../rest/context';

export function attributesOf({ request, route, query }: RestRequest): ResourceAttributes {
  const { kind, subresource, namespace, name } = route;
  // A proxy passes OPTIONS on; no verb of the API stands for it, so only a rule for all verbs allows it, as upstream.
  const verb = request.method === 'OPTIONS' ? '' : route.verb;
  const base = { verb, group: kind.group, version: kind.version, resource: kind.plural, subresource, namespace, name };
  if (name !== '' || !(verb === 'list' || verb === 'watch' || verb === 'deletecollection')) return base;
  const [fields, labelSelector] = [query.get('fieldSelector'), query.get('labelSelector')];
  const labels = labelSelector ? { labelSelector } : {};
  if (!fields) return { ...base, ...labels };
  const pinned = pinnedFields(fields);
  // As upstream: a selector names the object of a list and of a watch alone.
  const selectedName = verb === 'deletecollection' ? undefined : pinned.get('metadata.name');
  const selectedNode = pinned.get('spec.nodeName');
  const selectors = { fieldSelector: fields, ...labels };
  return {
    ...base,
    ...selectors,
    ...(selectedName ? { selectedName } : {}),
    ...(selectedNode ? { selectedNode } : {}),
  };
}

/** Fields for which a selector requires one value. Uses the parser that also selects, so that both read the text in the same way. */
function pinnedFields(text: string): ReadonlyMap<string, string> {
  try {
    const demanded = parseFieldSelector(text).filter(({ equal }) => equal);
    // All terms must match, so the first term on a field limits the selection as well as any other.
    return new Map(demanded.reverse().map(({ path, value }) => [path, value]));
  } catch (err) {
    // Authorize the complete collection; the selection refuses the request later.
    if (hasCode(err, 'BadRequest')) return new Map();
    throw err;
  }
}
