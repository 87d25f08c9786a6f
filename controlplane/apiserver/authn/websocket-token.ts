// The bearer token of a WebSocket. A page in a browser cannot set headers of a WebSocket, so it sends the token as one of the
// subprotocols. Source: apiserver, pkg/authentication/request/websocket.
import { AppError } from '../../base/errors';

const prefix = 'base64url.bearer.authorization.k8s.io.';
const header = 'sec-websocket-protocol';
const base64url = /^[\w-]*$/;

/** The headers that this file reads and changes. */
export interface UpgradeHeaders {
  upgrade?: string;
  authorization?: string;
  [header]?: string;
}

/**
 * Moves the token from the subprotocols into the Authorization header, which wins if there is one already. The token is removed from the
 * subprotocols in any case: no kubelet and no other server may see it.
 * @throws Unauthorized for a token that is not encoded properly, and when no other subprotocol is left to answer with
 */
export function adoptProtocolToken(headers: UpgradeHeaders): void {
  const offered = headers[header];
  if (headers.upgrade?.toLowerCase() !== 'websocket' || !offered?.includes(prefix)) return;
  const protocols = offered.split(',').map((protocol) => protocol.trim());
  const tokens = protocols.filter((protocol) => protocol.startsWith(prefix));
  const others = protocols.filter((protocol) => !protocol.startsWith(prefix));
  if (tokens.length > 1) throw refused('multiple base64.bearer.authorization tokens specified');
  if (tokens.length === 0) return;
  if (others.length === 0) throw refused('missing additional subprotocol');
  headers[header] = others.join(', ');
  headers.authorization ??= `Bearer ${decode(tokens[0]!.slice(prefix.length))}`;
}

function decode(encoded: string): string {
  if (!base64url.test(encoded)) throw refused('invalid base64.bearer.authorization token encoding');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64url'));
  } catch (cause) {
    throw refused('invalid base64.bearer.authorization token', cause);
  }
}

/** The client reads only "Unauthorized". */
const refused = (why: string, cause?: unknown) =>
  new AppError('Unauthorized', 'Unauthorized', { cause: new Error(why, { cause }) });
