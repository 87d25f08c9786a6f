// Acting as another user (`kubectl --as`): each part of that user (name, groups, uid, extra) needs a permission of its own.
// Source: "User impersonation" in the reference of authentication.
import { type AppError, BadRequest } from '../../base/errors';
import {
  type Asked,
  type Authorizer,
  allows,
  deniedPath,
  deniedResource,
  forbiddenResource,
} from '../authz/authorizer';
import { type ApiRequest, type Headers, queryFlag, queryOf, type UserInfo } from '../request';
import { kindOf, readRemotePath } from '../servers/request-info';
import { anonymous } from './authenticator';
import { type ImpersonatedUser, type Mode, modesOf } from './impersonation-modes';
import { accountOf, nodeOf } from './user-names';

const prefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';
const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';

/** The verb of the permission that allows to act as a user in every request. */
const oldVerb = 'impersonate';

/** True for a request with any Impersonate-* header, also a malformed one. */
export function wantsImpersonation(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true;
  return false;
}

/** The headers of impersonation alone. */
export const impersonationHeaders = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(prefix)));

export interface Impersonation {
  /** The same request as the user that the Impersonate-* headers describe. */
  readonly caller: ApiRequest;
  /** The verb of the narrower permission that allowed it; '' for the old permission. */
  readonly constraint: string;
}

/** @throws Forbidden, BadRequest without a name */
export function impersonate(request: ApiRequest, authorizer: Authorizer): Impersonation {
  const wanted = readHeaders(request.headers);
  if (wanted.name === '') {
    if (!hasMore(wanted)) return { caller: request, constraint: '' };
    throw new BadRequest(`requested ${goText(wanted)} without impersonating a user name`);
  }
  const { name, uid, extra } = wanted;
  let first: AppError | undefined;
  for (const mode of modesOf(wanted, request.user, askedBy(request))) {
    const error = denial(authorizer, mode);
    if (!error) {
      const groups = groupsOf(wanted, mode.verb);
      const { endsMs } = request.user;
      const rest = {
        ...(uid === '' ? {} : { uid }),
        ...(Object.keys(extra).length === 0 ? {} : { extra }),
        ...(endsMs === undefined ? {} : { endsMs }),
      };
      const constraint = mode.verb === oldVerb ? '' : mode.verb;
      return { caller: { ...request, user: { name, groups, ...rest } }, constraint };
    }
    first ??= error;
  }
  throw first;
}

/** What a mode lacks; undefined when it allows. */
function denial(authorizer: Authorizer, { requestor, checks }: Mode): AppError | undefined {
  for (const { asked, refusal, orEach } of checks) {
    if (refusal !== undefined) return refused(authorizer, requestor, asked, refusal);
    if (allows(authorizer, requestor, asked)) continue;
    const error = orEach
      ? denial(authorizer, { verb: '', requestor, checks: orEach })
      : refused(authorizer, requestor, asked);
    if (error) return error;
  }
  return undefined;
}

function refused(authorizer: Authorizer, user: UserInfo, asked: Asked, reason?: string): AppError {
  if ('path' in asked) return deniedPath(authorizer, user, asked.verb, asked.path);
  if (reason === undefined) return deniedResource(authorizer, user, asked, kindOf(asked));
  return forbiddenResource(user, asked, kindOf(asked), reason);
}

/** What the request is about, read from its path as upstream reads it. */
function askedBy(request: ApiRequest): Asked {
  const { method, path } = request;
  const watch = request.search !== '' && queryFlag(queryOf(request), 'watch');
  const found = readRemotePath(method, path, watch);
  return found?.attributes ?? { verb: method.toLowerCase(), path: found?.path ?? path };
}

/** Asks programs outside the server for the permissions that impersonate() needs. Undefined when there is nothing to wait for. */
export function prepareImpersonation(request: ApiRequest, authorizer: Authorizer): Promise<void> | undefined {
  const prepare = authorizer.prepare?.bind(authorizer);
  const wanted = readHeaders(request.headers);
  if (!prepare || wanted.name === '') return undefined;
  const waits = modesOf(wanted, request.user, askedBy(request)).flatMap(({ requestor, checks }) =>
    checks.flatMap((check) => [check, ...(check.orEach ?? [])]).map(({ asked }) => prepare(requestor, asked)),
  );
  return waits.some((wait) => wait) ? Promise.all(waits).then(() => undefined) : undefined;
}

const hasMore = ({ groups, uid, extra }: ImpersonatedUser): boolean =>
  groups.length > 0 || uid !== '' || Object.keys(extra).length > 0;

/** Upstream prints its own struct here. */
function goText({ name, groups, uid, extra }: ImpersonatedUser): string {
  const quoted = (values: readonly string[]) => `{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
  const list = groups.length === 0 ? '[]string(nil)' : `[]string${quoted(groups)}`;
  const pairs = Object.entries(extra).map(([key, values]) => `${JSON.stringify(key)}:[]string${quoted(values)}`);
  const map = `map[string][]string${pairs.length === 0 ? '(nil)' : `{${pairs.sort().join(', ')}}`}`;
  const [nameText, uidText] = [JSON.stringify(name), JSON.stringify(uid)];
  return `&user.DefaultInfo{Name:${nameText}, UID:${uidText}, Groups:${list}, Extra:${map}}`;
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

/** The requested groups, or those an account always has; then system:authenticated or system:unauthenticated, unless requested. */
function groupsOf({ name, groups }: ImpersonatedUser, verb: string): readonly string[] {
  const account = accountOf(name);
  if (verb !== oldVerb && nodeOf(name) !== undefined) return ['system:nodes', authenticated];
  const implied = account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : [];
  const own = groups.length > 0 ? groups : implied;
  if (own.includes(unauthenticated)) return own;
  if (name === anonymous.name) return [...own, unauthenticated];
  return own.includes(authenticated) ? own : [...own, authenticated];
}
