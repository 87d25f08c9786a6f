// One part of the API behind the handler: the kinds of the catalog, an aggregated API, the plain paths. The handler asks its servers one
// after another, and the first that knows the path answers. A further part of the API is a file and a line in api-server.ts.
import type { Duplex } from 'node:stream';
import type { ApiRequest, Reply } from '../request';
import type { RestRequest } from '../rest/context';

export interface ResourceServer {
  /**
   * Undefined when the path belongs to another server. Reads neither body nor store.
   * @throws StatusError 404 or 405, BadRequest: the path belongs to this server, and it does not serve it in this way
   */
  match(request: ApiRequest): Match | undefined;
}

/** A request whose server is known. */
export interface Match {
  /** Set for a request about a resource: metrics name it, and its warnings are sent with the answer. */
  readonly rest?: RestRequest;
  /** @throws Forbidden, Unauthorized */
  authorize(): void;
  /** Called after authorize(). @throws anything toStatus can turn into a Status */
  serve(): Reply | Promise<Reply>;
  /** Takes over the connection of a request with an Upgrade header; absent where nothing is upgraded. Authorizes by itself. */
  upgrade?(socket: Duplex, head: Buffer): Promise<void>;
}
