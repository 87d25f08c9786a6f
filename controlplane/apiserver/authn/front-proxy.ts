// The user that a front proxy names in headers: a server before this one that has authenticated the caller itself, and proves with a client
// certificate of an authority of its own that it may say so. Source: "Authenticating proxy" in the reference of authentication.
import type { IncomingMessage } from 'node:http';
import type { UserInfo } from '../request';

export interface FrontProxyConfig {
  /** The authorities of front proxies' certificates, PEM. */
  readonly ca: string;
  /** The common names of their certificates; empty: any. */
  readonly allowedNames: readonly string[];
  /** Names of headers, in the order in which they are looked at. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

const anonymousName = 'system:anonymous';
const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';

/** Undefined when no header names a user. */
export function frontProxyUser(
  config: FrontProxyConfig,
  headers: IncomingMessage['headersDistinct'],
): UserInfo | undefined {
  const valuesOf = (name: string) => (headers[name.toLowerCase()] ?? []).map(utf8);
  // As upstream: of one header the first value counts, even if it is empty.
  const firstOf = (names: readonly string[]) =>
    names.map((name) => valuesOf(name)[0] ?? '').find((value) => value !== '');
  const name = firstOf(config.usernameHeaders);
  if (name === undefined) return undefined;
  const groups = config.groupHeaders.flatMap(valuesOf).filter((value) => value !== '');
  const uid = firstOf(config.uidHeaders);
  const extra = extraOf(config, headers);
  return {
    name,
    groups: withAuthenticated(name, groups),
    ...(uid === undefined ? {} : { uid }),
    ...(extra.size === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}

function withAuthenticated(name: string, groups: readonly string[]): readonly string[] {
  const isKnown = name === anonymousName || groups.includes(authenticated) || groups.includes(unauthenticated);
  return isKnown ? groups : [...groups, authenticated];
}

function extraOf({ extraHeaderPrefixes }: FrontProxyConfig, headers: IncomingMessage['headersDistinct']) {
  const extra = new Map<string, readonly string[]>();
  for (const prefix of extraHeaderPrefixes) {
    for (const [header, values = []] of Object.entries(headers)) {
      if (!header.startsWith(prefix.toLowerCase())) continue;
      const key = unescaped(header.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...values.map(utf8)]);
    }
  }
  return extra;
}

/** A key that is not well escaped counts as it is, as upstream. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Node.js reads headers as Latin-1; their bytes are UTF-8. */
const utf8 = (value: string): string =>
  /^[\x20-\x7e]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString();

const standard = /^x-remote-(?:user|uid|group|extra-.*)$/;

/** Tells the headers that name a user, those of the configuration and the usual ones: they are passed on to nothing. */
export function identityHeaders(config?: FrontProxyConfig): (name: string) => boolean {
  if (!config) return (name) => standard.test(name);
  const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase());
  const names = new Set(lower([...config.usernameHeaders, ...config.uidHeaders, ...config.groupHeaders]));
  const prefixes = lower(config.extraHeaderPrefixes);
  return (name) => standard.test(name) || names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
