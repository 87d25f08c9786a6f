// Files that the listener serves to everyone, before it looks for a user: a page that asks for the login cannot need one itself.
import type { FullReply, Headers } from '../request';

export interface PageRequest {
  readonly method: string;
  /** As sent, not decoded, without its query. */
  readonly path: string;
  readonly headers: Headers;
}

export interface PublicPages {
  /** Undefined when the path is a path of the API. The answer shows no object and depends on no user. */
  answer(request: PageRequest): Promise<FullReply> | undefined;
}
