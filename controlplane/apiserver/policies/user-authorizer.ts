// The authorizer of expressions, for the user of a request. A denied check has no reason, and an allowed one neither: the authorizers of
// this server do not say which rule allowed a request.
import type { Decision, ResourceCheck, UserAuthorizer } from '../../cel/extensions/authorizer';
import type { Authorizer } from '../authz/authorizer';
import type { UserInfo } from '../request';

const decision = (allowed: boolean): Decision => ({ allowed, reason: '' });

export function userAuthorizer(authorizer: Authorizer, user: UserInfo): UserAuthorizer {
  return {
    path: (path, verb) => decision(authorizer.allowsPath(user, verb, path.startsWith('/') ? path : `/${path}`)),
    resource: ({ fieldSelector, ...asked }: ResourceCheck, verb) =>
      decision(authorizer.allowsResource(user, { verb, ...asked, ...selectedBy(fieldSelector) })),
    serviceAccount: (namespace, name) =>
      userAuthorizer(authorizer, {
        name: `system:serviceaccount:${namespace}:${name}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      }),
  };
}

/** Rules with resourceNames and the node authorizer look at these two fields of a selector. */
function selectedBy(fieldSelector: string): { selectedName?: string; selectedNode?: string } {
  const found: { selectedName?: string; selectedNode?: string } = {};
  for (const part of fieldSelector.split(',')) {
    const [field, value = ''] = part.split(/==?/, 2);
    if (field === 'metadata.name') found.selectedName = value;
    if (field === 'spec.nodeName') found.selectedNode = value;
  }
  return found;
}
