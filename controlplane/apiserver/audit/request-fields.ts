// The fields of an audit event that show who sent the request and from where. Pure.
import { type ApiRequest, header, type UserInfo } from '../request';

/** A request whose credentials are wrong has no user. */
export type AuditedRequest = Pick<ApiRequest, 'method' | 'path' | 'search' | 'headers' | 'peer'> & {
  readonly user: UserInfo | undefined;
};

export function userFields({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}

/** As upstream: the addresses that proxies name, then the one of the connection. A client can write anything into the first. */
export function sourceIps({ headers, peer }: Pick<ApiRequest, 'headers' | 'peer'>): string[] {
  const forwarded = header(headers, 'x-forwarded-for')
    .split(',')
    .map((part) => part.trim());
  const named = [...forwarded, header(headers, 'x-real-ip').trim(), peer?.() ?? '127.0.0.1'];
  return [...new Set(named.filter((address) => address !== '' && isAddress(address)))];
}

const isAddress = (text: string): boolean => text.length <= 45 && /^[0-9a-f.:]+$/i.test(text);

/** With microseconds, as Kubernetes writes MicroTime. */
export const renderTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
