// The login: a token that this tab keeps until it is closed, and the user whose token it is.

import { isStatus } from '../../model/api-error';
import { loginFragment } from '../../model/routes';
import { Api } from './requests';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}
export interface Session {
  readonly token: string;
  readonly user: User;
}

const storageKey = 'k8ts.console.token';
const sessionsPath = '/apis/console.k8ts.io/v1alpha1/consolesessions';
const reviewsPath = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

/** A browser may forbid the storage; then the login ends when the page is loaded again. */
export function storedToken(): string | undefined {
  try {
    return sessionStorage.getItem(storageKey) ?? undefined;
  } catch {
    return undefined;
  }
}

export function storeToken(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, token);
  } catch {
    // As above.
  }
}

/** Whether the address is a login link whose code is not used yet. */
export const isLoginLink = (): boolean => location.hash.startsWith(loginFragment);

/** Takes the code of a login link out of the address, so that it stays in no history. */
export function takeLoginCode(): string | undefined {
  const { hash } = location;
  if (!isLoginLink()) return undefined;
  history.replaceState(null, '', '#/');
  return decodeURIComponent(hash.slice(loginFragment.length));
}

/** @throws ApiError 401 for a code that is no longer valid */
export async function exchangeCode(code: string): Promise<string> {
  const session = { apiVersion: 'console.k8ts.io/v1alpha1', kind: 'ConsoleSession' };
  const { status } = await new Api(code).create<{ readonly status: { readonly token: string } }>(sessionsPath, session);
  return status.token;
}

interface Review {
  readonly status?: { readonly userInfo?: { readonly username?: string; readonly groups?: readonly string[] } };
}

/** Who am I. Undefined for a token that the server does not accept. @throws ApiError, TypeError for all else */
export async function openSession(token: string): Promise<Session | undefined> {
  try {
    const { status } = await new Api(token).create<Review>(reviewsPath, {});
    const { username = '', groups = [] } = status?.userInfo ?? {};
    // Credentials of a form that the server does not know count as none.
    if (username === 'system:anonymous') return undefined;
    return { token, user: { name: username, groups } };
  } catch (err) {
    if (isStatus(err, 401)) return undefined;
    throw err;
  }
}
