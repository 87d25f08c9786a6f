// One part of the API behind the handler: the kinds of the catalog, an aggregated API, the plain paths. The handler asks its servers
// one after another; the first server that has the path answers. To add a part of the API, add a file and a line in api-server.ts.
import type { Duplex } from 'node:stream';
import type { ApiRequest, Reply } from '../request';
import type { RestRequest } from '../rest/context';

export interface ResourceServer {
  /**
   * Undefined when the path belongs to another server. Reads neither body nor store.
   * @throws StatusError 404 or 405, BadRequest when the path belongs to this server but the request is not allowed
   */
  match(request: ApiRequest): Match | undefined;
}

/** A request whose server is known. */
export interface Match {
  /** Set for a request about a resource: metrics name it, and its warnings are sent with the answer. */
  readonly rest?: RestRequest;
  /** A promise only when a program outside the server is asked. @throws Forbidden, Unauthorized */
  authorize(): void | Promise<void>;
  /** Called after authorize(). @throws anything toStatus can turn into a Status */
  serve(): Reply | Promise<Reply>;
  /** No server has the path: serve() throws the reason. */
  readonly unserved?: boolean;
  /** Takes over the connection of a request with an Upgrade header; absent where nothing is upgraded. Authorizes by itself. */
  upgrade?(socket: Duplex, head: Buffer): Promise<void>;
}
