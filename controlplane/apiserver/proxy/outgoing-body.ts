// Passes the body of a request on to another server while it arrives: no part of it is kept, however long it is.
import type { ClientRequest } from 'node:http';
import type { OutgoingHeaders } from '../aggregator/proxied-headers';
import { type ApiRequest, header } from '../request';

/** The headers that say how the body is sent. A request without a body has none. */
export function bodyHeaders({ headers }: Pick<ApiRequest, 'headers'>): OutgoingHeaders {
  const [length, encoding] = [header(headers, 'content-length'), header(headers, 'content-encoding')];
  const chunked = length === '' && header(headers, 'transfer-encoding') !== '';
  return {
    ...(length === '' ? {} : { 'content-length': length }),
    ...(chunked ? { 'transfer-encoding': 'chunked' } : {}),
    ...(encoding === '' ? {} : { 'content-encoding': encoding }),
  };
}

export const hasBody = ({ headers }: Pick<ApiRequest, 'headers'>): boolean =>
  (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;

/** Sends the body and ends the request. The sender pauses while the other server does not read. */
export function sendBody(request: ApiRequest, outgoing: ClientRequest): void {
  if (!hasBody(request)) {
    outgoing.end();
    return;
  }
  const source = request.stream?.();
  if (!source) {
    void request.body().then(
      (body) => outgoing.end(body),
      (err: Error) => outgoing.destroy(err),
    );
    return;
  }
  source.pipe(outgoing);
  const cut = () => {
    if (!source.readableEnded) outgoing.destroy(new Error('the client has disconnected'));
  };
  source.once('close', cut);
  outgoing.once('close', () => {
    source.off('close', cut);
    source.unpipe(outgoing);
    // The server may have answered before it had the whole body: the connection of the client is used again after the rest.
    source.resume();
  });
}
