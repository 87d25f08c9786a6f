// Requests to the API as the user who has logged in. There are no cookies: only this code adds the token, so no other page can act as the user.
import { errorOf } from '../../model/api-error';

export interface RequestOptions {
  readonly method?: string;
  readonly accept?: string;
  readonly type?: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export class Api {
  /** `onRefused` is called when the server no longer accepts the token. */
  constructor(
    readonly token: string,
    private readonly onRefused: () => void = () => {},
  ) {}

  /** @throws ApiError for an answer that is no success, TypeError when the server cannot be reached */
  async send(path: string, options: RequestOptions = {}): Promise<Response> {
    const { method = 'GET', accept = 'application/json', type, body, signal } = options;
    const headers: Record<string, string> = { accept, authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers['content-type'] = type ?? 'application/json';
    const response = await fetch(path, {
      method,
      headers,
      // No client certificate either: it would win over the token, and the page would show the data of another user.
      credentials: 'omit',
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    if (response.status === 401) this.onRefused();
    throw errorOf(response.status, response.statusText, await response.text());
  }

  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return (await (await this.send(path, options)).json()) as T;
  }

  async text(path: string, options: RequestOptions = {}): Promise<string> {
    return (await this.send(path, options)).text();
  }

  create<T>(path: string, object: object, signal?: AbortSignal): Promise<T> {
    return this.json<T>(path, { method: 'POST', body: JSON.stringify(object), ...(signal ? { signal } : {}) });
  }
}
