// The authorizer of expressions, for the user of a request.
import type { Decision, ResourceCheck, UserAuthorizer } from '../../cel/extensions/authorizer';
import type { Asked, Authorizer } from '../authz/authorizer';
import type { UserInfo } from '../request';

function decide(authorizer: Authorizer, user: UserInfo, asked: Asked): Decision {
  const allowed =
    'path' in asked ? authorizer.allowsPath(user, asked.verb, asked.path) : authorizer.allowsResource(user, asked);
  return {
    allowed,
    get reason() {
      return allowed ? (authorizer.explain?.(user, asked) ?? '') : '';
    },
  };
}

export function userAuthorizer(authorizer: Authorizer, user: UserInfo): UserAuthorizer {
  return {
    path: (path, verb) => decide(authorizer, user, { verb, path: path.startsWith('/') ? path : `/${path}` }),
    resource: ({ fieldSelector, ...asked }: ResourceCheck, verb) =>
      decide(authorizer, user, { verb, ...asked, ...selectedBy(fieldSelector) }),
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
