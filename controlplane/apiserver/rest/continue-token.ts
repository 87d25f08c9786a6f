// The continue token of a paged LIST: the last key, and the revision at which all its pages are read. Pure.
import { BadRequest } from '../../base/errors';

/** The revision in a token with which a list goes on at the newest revision, though it then is inconsistent. */
const newest = -1;

export const encodeInconsistentContinue = (key: string): string => encodeContinue(key, newest);

export function encodeContinue(key: string, revision: number): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: key })).toString('base64url');
}

/** Without a revision the list goes on at the newest one. @throws BadRequest for an invalid token */
export function decodeContinue(token: string): { key: string; revision?: number } {
  const wrong = illegalByte(token);
  if (wrong !== undefined) {
    throw new BadRequest(
      `invalid continue token: continue key is not valid: illegal base64 data at input byte ${wrong}`,
    );
  }
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    const { rv, start } = value;
    if (
      value['v'] === 'meta.k8s.io/v1' &&
      typeof rv === 'number' &&
      Number.isSafeInteger(rv) &&
      rv >= newest &&
      typeof start === 'string'
    ) {
      return rv === newest ? { key: start } : { key: start, revision: rv };
    }
  } catch (cause) {
    throw invalidToken(cause);
  }
  throw invalidToken();
}

/** As Go's base64 says where a text is no base64. */
function illegalByte(token: string): number | undefined {
  const at = token.search(/[^A-Za-z0-9_-]/);
  if (at >= 0) return at;
  return token.length % 4 === 1 ? token.length - 1 : undefined;
}

const invalidToken = (cause?: unknown) =>
  new BadRequest('invalid continue token: continue key is not valid: this server did not issue it', { cause });
