// Acting as another user (`kubectl --as`): each part of that user (name, groups, uid, extra) needs a permission of its own.
// Source: "User impersonation" in the reference of authentication.
import { dns1123Label, dns1123Subdomain } from '../../api/validation/names';
import { type Authorizer, deniedResource, type ResourceAttributes } from '../authz/authorizer';
import type { ApiRequest, Headers, UserInfo } from '../request';
import { StatusError } from '../status';
import { anonymous } from './authenticator';

const prefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';
const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';
const authenticationGroup = 'authentication.k8s.io';

interface ImpersonatedUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}
type Permission = Pick<ResourceAttributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>;

/** True for a request with any Impersonate-* header, also a malformed one. */
export function wantsImpersonation(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true;
  return false;
}

/** The headers of impersonation alone. */
export const impersonationHeaders = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(prefix)));

/** The same request as the user that the Impersonate-* headers describe. @throws Forbidden, StatusError 500 without a user */
export function impersonate(request: ApiRequest, authorizer: Authorizer): ApiRequest {
  const impersonated = readHeaders(request.headers);
  const { name, groups, uid, extra } = impersonated;
  if (name === '') {
    if (groups.length === 0 && uid === '' && Object.keys(extra).length === 0) return request;
    // The code is upstream's: a client that wants to drop permissions must not keep them.
    throw new StatusError(500, 'InternalError', 'requested impersonation of groups, uid or extra without a user name');
  }
  for (const permission of permissionsFor(impersonated)) demand(request.user, authorizer, permission);
  const user: UserInfo = {
    name,
    groups: groupsOf(impersonated),
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { ...request, user };
}

/** Asks programs outside the server for the permissions that impersonate() needs. Undefined when there is nothing to wait for. */
export function prepareImpersonation({ headers, user }: ApiRequest, authorizer: Authorizer): Promise<void> | undefined {
  if (!authorizer.prepare) return undefined;
  const impersonated = readHeaders(headers);
  if (impersonated.name === '') return undefined;
  const waits = permissionsFor(impersonated).map((permission) => authorizer.prepare!(user, attributesOf(permission)));
  return waits.some((wait) => wait) ? Promise.all(waits).then(() => undefined) : undefined;
}

/** Headers that may come several times hold a list; see Headers. */
function readHeaders(headers: Headers): ImpersonatedUser {
  const extra = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    const key = decodeKey(name.slice(extraPrefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...list(value)]);
  }
  return {
    name: list(headers['impersonate-user'])[0] ?? '',
    groups: list(headers['impersonate-group']),
    uid: list(headers['impersonate-uid'])[0] ?? '',
    extra: Object.fromEntries(extra),
  };
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Header names allow fewer characters than keys, so clients percent-encode keys. A key that does not decode is used unchanged. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function permissionsFor({ name, groups, uid, extra }: ImpersonatedUser): Permission[] {
  const account = accountOf(name);
  const core = { group: '', subresource: '', namespace: '' };
  const authentication = { ...core, group: authenticationGroup };
  return [
    account ? { ...core, resource: 'serviceaccounts', ...account } : { ...core, resource: 'users', name },
    ...groups.map((group) => ({ ...core, resource: 'groups', name: group })),
    ...(uid === '' ? [] : [{ ...authentication, resource: 'uids', name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({ ...authentication, resource: 'userextras', subresource: key, name: value })),
    ),
  ];
}

/** Undefined for a name that no account can have: then `user` is an ordinary user. */
function accountOf(user: string): { namespace: string; name: string } | undefined {
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(user) ?? [];
  const valid = dns1123Label(namespace).length === 0 && dns1123Subdomain(name).length === 0;
  return valid ? { namespace, name } : undefined;
}

/** The requested groups, or those an account always has; then system:authenticated or system:unauthenticated, unless requested. */
function groupsOf({ name, groups }: ImpersonatedUser): readonly string[] {
  const account = accountOf(name);
  const implied = account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : [];
  const own = groups.length > 0 ? groups : implied;
  if (own.includes(unauthenticated)) return own;
  if (name === anonymous.name) return [...own, unauthenticated];
  return own.includes(authenticated) ? own : [...own, authenticated];
}

const attributesOf = (permission: Permission): ResourceAttributes => ({ verb: 'impersonate', ...permission });

function demand(user: UserInfo, authorizer: Authorizer, permission: Permission): void {
  const attributes = attributesOf(permission);
  if (authorizer.allowsResource(user, attributes)) return;
  const { group, resource, namespace } = permission;
  const kind = { group, version: 'v1', kind: '', plural: resource, namespaced: namespace !== '' };
  throw deniedResource(authorizer, user, attributes, kind);
}
