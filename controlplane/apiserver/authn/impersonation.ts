// `kubectl --as`: acting as another user, for those who are allowed to impersonate it.
import { AppError } from '../../base/errors';
import type { Authorizer, ResourceAttributes } from '../authz/authorizer';
import { type ApiRequest, header, type UserInfo } from '../request';

/** The same request as the user named by the Impersonate-* headers. @throws Forbidden */
export function impersonate(request: ApiRequest, authorizer: Authorizer): ApiRequest {
  const name = header(request.headers, 'impersonate-user');
  const groups = header(request.headers, 'impersonate-group')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (account) demand(request.user, authorizer, 'serviceaccounts', account[1]!, account[2]!);
  else demand(request.user, authorizer, 'users', '', name);
  for (const group of groups) demand(request.user, authorizer, 'groups', '', group);
  const implied = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [];
  const all = new Set([...(groups.length > 0 ? groups : implied), 'system:authenticated']);
  const uid = header(request.headers, 'impersonate-uid');
  return { ...request, user: { name, groups: [...all], ...(uid ? { uid } : {}) } };
}

function demand(user: UserInfo, authorizer: Authorizer, resource: string, namespace: string, name: string): void {
  const attributes: ResourceAttributes = { verb: 'impersonate', group: '', resource, subresource: '', namespace, name };
  if (authorizer.allowsResource(user, attributes)) return;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  throw new AppError(
    'Forbidden',
    `${resource} "${name}" is forbidden: User "${user.name}" cannot impersonate resource "${resource}" in API group "" ${where}`,
    { details: { name, kind: resource } },
  );
}
